package notice

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/mime"
	"harvester/parse/view"
)

// Notice is what the text of a mail says.
type Notice struct {
	Kind     bounce.Kind // KindBounce, KindDelay or KindDelivered: what becomes of failures without an action of their own
	Failures []Failure   // in order of the text
	Host     string      // the system that reports, where the text names it
	Returned string      // the returned mail, where the layout puts it into the same part
}

// Failure is what the text says of one recipient.
type Failure struct {
	Address string        // as named
	Mailed  string        // the address before aliasing, where the text tells it
	Hidden  bool          // the address is not disclosed, only Mailed
	Reply   string        // the reply or reason, lines joined
	Remote  string        // the host that replied
	Action  bounce.Action // ActionNone: as the notice
	Status  string        // where the layout names it apart from the reply
	// Means is the reason that the layout itself stands for, whatever its words
	// and their language; Unclassified leaves it to the reply.
	Means bounce.Reason
}

// Noticed tells whether a mail of no known layout may be read as a failure
// notice at all: it comes from a mail system, says so in a header, or its
// subject does. Words in the body alone never suffice.
func Noticed(m *view.Mail) bool {
	return m.Daemon() || m.Header.Has("X-Failed-Recipients") || m.Header.Has("X-MS-Exchange-Message-Is-Ndr") ||
		WordsIn(m.Subject)&(WordFailure|WordDelay) != 0
}

// FromHeader reads X-Failed-Recipients (Exim, Gmail) where the text names
// nobody.
func FromHeader(m *view.Mail) *Notice {
	head, returned := CutReturned(m.Text)
	n := &Notice{Kind: KindOf(m, head), Returned: returned}
	for _, a := range FailedRecipients(m) {
		n.Failures = append(n.Failures, Failure{Address: a, Reply: LooseReply(head)})
	}
	if len(n.Failures) == 0 {
		return nil
	}
	return n
}

// FailedRecipients are the addresses of X-Failed-Recipients.
// QUIRK: ZoneMTA lists all recipients of the mail there.
func FailedRecipients(m *view.Mail) []string {
	var out []string
	for _, v := range m.Header.All("X-Failed-Recipients") {
		out = append(out, mime.Addresses(v)...)
	}
	if len(out) > 1 && m.Header.Has("X-Sending-Zone") {
		return nil
	}
	return out
}

// Unnamed reads the fate of a recipient whom neither text nor status part name.
func Unnamed(m *view.Mail) *Notice {
	head, returned := CutReturned(m.Text)
	return &Notice{Kind: KindOf(m, head), Returned: returned, Failures: []Failure{{Reply: LooseReply(head)}}}
}

// LooseReply is what a text says where no reply stands in a place of its own: from
// the first reply code on, else the first lines.
func LooseReply(head string) string {
	ls := Lines(head)
	for i, l := range ls {
		if CodeAt(l) >= 0 {
			r, _ := Block(ls, i, nil)
			return r
		}
	}
	reply := ""
	for _, l := range ls {
		if reply = AppendLine(reply, l); len(reply) > 600 {
			break
		}
	}
	return reply
}

// Paragraphs reads notices whose recipients open a paragraph at the begin of a
// line, `<addr>: reason` or `<addr>:` with the reason below it, up to a blank
// line. With alone, text behind the colon makes the line part of a reply.
func Paragraphs(ls []string, alone bool) []Failure {
	var out []Failure
	for i := 0; i < len(ls); {
		f, rest, ok := paragraphStart(ls[i])
		if !ok || alone && rest != "" {
			i++
			continue
		}
		i++
		if rest == "" && !alone {
			i = SkipBlank(ls, i)
		}
		f.Reply = AppendLine("", rest)
		for ; i < len(ls) && ls[i] != ""; i++ {
			if _, r, ok := paragraphStart(ls[i]); ok && (!alone || r == "") {
				break
			}
			if ls[i] == "/" { // QUIRK: qmail writes "/" for a blank line inside a report
				continue
			}
			f.Reply = AppendLine(f.Reply, ls[i])
		}
		f.Remote = Remote(f.Reply)
		out = append(out, f)
	}
	return out
}

// paragraphStart reads `<addr>: rest` and Postfix's
// `<addr> (expanded from <mailed>): rest`.
func paragraphStart(line string) (f Failure, rest string, ok bool) {
	if !strings.HasPrefix(line, "<") {
		return f, "", false
	}
	end := strings.IndexByte(line, '>')
	if end < 0 {
		return f, "", false
	}
	inside, tail := line[1:end], strings.TrimLeft(line[end+1:], " ")
	if a, ok := strings.CutPrefix(tail, "(expanded from <"); ok {
		mailed, after, found := strings.Cut(a, ">)")
		if !found {
			return f, "", false
		}
		f.Mailed, tail = mailed, after
	}
	rest, ok = strings.CutPrefix(tail, ":")
	if !ok {
		return f, "", false
	}
	// Only a quoted local part holds a blank (RFC 5321 §4.1.2).
	if inside = strings.TrimSpace(inside); strings.ContainsAny(inside, " \t") && inside[0] != '"' {
		return f, "", false
	}
	f.Address = inside
	return f, strings.TrimSpace(rest), true
}

// HostWord is the host name that s begins with.
func HostWord(s string) string {
	end := strings.IndexAny(s, " \n\t,;")
	if end >= 0 {
		s = s[:end]
	}
	return strings.Trim(s, ".:")
}
