package autoreply

import (
	"strings"

	"harvester/parse/view"
)

// facts is what one pass over the header of a mail tells.
type facts struct {
	sign *headerSign // the field that decides, nil for none
	auto string      // Auto-Submitted (RFC 3834 §5), lower case, "" when absent

	failed   bool // X-Failed-Recipients, or Exchange's mark of a NDR
	system   bool // automatic
	machine  bool // automatic or bulk, whatever it is
	answers  bool // In-Reply-To or References
	client   bool // written with a mail program
	list     bool // a mailing list's (RFC 2369, RFC 2919)
	bulk     bool // can be unsubscribed from
	fromMTA  bool // From is a mail system, whatever the return path
	role     bool // From is an office or a program, or has no name
	personal bool // From has a person's name, and failures of this mail would go there
	nullPath bool
}

func (s *signs) facts(m *view.Mail) facts {
	f := facts{
		nullPath: m.ReturnPath == "<>",
		fromMTA:  m.FromDaemon(), // QUIRK: some write a bare "mailer-daemon"
		role:     m.FromName == "" || s.isRole(m.From) || s.isRole(m.FromName),
	}
	var thread, attach bool
	var buf [64]byte
	for _, h := range m.Header {
		name := lowerName(buf[:0], h.Name)
		if name == nil {
			continue
		}
		for i := range s.headers[string(name)] {
			x := &s.headers[string(name)][i]
			if (f.sign == nil || x.rank < f.sign.rank) && x.fits(h.Value) && !(x.Person && f.fromMTA) {
				f.sign = x
			}
		}
		switch string(name) {
		case "auto-submitted":
			if f.auto == "" {
				f.auto = strings.ToLower(strings.TrimSpace(h.Value))
			}
		case "x-failed-recipients", "x-ms-exchange-message-is-ndr":
			f.failed = true
		case "precedence", "x-precedence":
			f.machine = f.machine || isBulk(h.Value)
		case "x-auto-response-suppress", "x-fc-machinegenerated", "x-ms-exchange-inbox-rules-loop":
			f.system = true
		case "in-reply-to", "references":
			f.answers = f.answers || h.Value != ""
		case "user-agent", "x-mailer":
			_, ok := startsAny(fold(h.Value), s.quote.Client)
			f.client = f.client || ok
		case "thread-index":
			thread = true
		case "x-ms-has-attach":
			attach = true
		case "list-id", "list-post", "x-beenthere", "mailing-list":
			f.list = true
		case "list-unsubscribe":
			f.bulk = true
		}
	}
	f.client = f.client || thread && attach
	f.system = f.system || f.nullPath || f.fromMTA || f.auto != "" && f.auto != "no"
	f.machine = f.machine || f.system
	f.personal = !f.machine && !f.role && m.ReturnPath != ""
	return f
}

// person tells whether somebody wrote the mail by hand.
func (f *facts) person() bool {
	return f.auto == "no" || !f.machine && (f.client || f.answers && !f.role)
}

// isRole tells whether a name or address is an office's or a program's.
func (s *signs) isRole(who string) bool {
	who, _, _ = strings.Cut(who, "@")
	_, ok := hasAny(fold(who), s.quote.Role)
	return ok
}

func (h *headerSign) fits(value string) bool {
	v := fold(value)
	if len(h.Starts) == 0 && len(h.Any) == 0 {
		return v != "" && v != "no" && v != "0" && v != "false"
	}
	if p, ok := startsAny(v, h.Starts); ok {
		rest := v[len(p):]
		return !h.Whole || rest == "" || rest[0] == '@'
	}
	_, ok := hasAny(v, h.Any)
	return ok
}

func isBulk(precedence string) bool {
	switch strings.ToLower(strings.TrimSpace(precedence)) {
	case "bulk", "junk", "list":
		return true
	}
	return false
}

// lowerName appends name in lower case; nil when it is too long to be known.
func lowerName(dst []byte, name string) []byte {
	if len(name) > cap(dst) {
		return nil
	}
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
