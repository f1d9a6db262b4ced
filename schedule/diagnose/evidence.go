package diagnose

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/mime"
	"harvester/parse/view"
	"harvester/store/policy"
)

// maxClaims bounds what one notice can have looked up.
const maxClaims = 20

// Notice reads what a notice claims: one piece of evidence for each cause and
// receiver. res is what it means, as parse.Parse read it.
func Notice(raw []byte, res *parse.Result, own []string) []Evidence {
	var header mime.Header
	var returned []byte
	m := view.New(raw, parse.DefaultLimits().MIME)
	if m.Original != nil {
		header, returned = m.Original.Header, m.Original.Raw
	}
	var list []Evidence
	for i := range res.Recipients {
		r := &res.Recipients[i]
		if r.Action != bounce.Failed && r.Action != bounce.Delayed {
			continue
		}
		ev := Evidence{Header: header, Raw: returned, Remote: host(r.RemoteMTA), Recipient: canonical(afterAt(r.Recipient)), Signatures: res.Original.DKIM,
			From:  canonical(afterAt(res.Original.From)),
			Claim: Claim{Receiver: host(r.RemoteMTA), Sentence: r.Diagnostic, Status: r.Status, Reason: r.Reason, First: res.Date.Time, Last: res.Date.Time, Count: 1}}
		if c, ok := policy.CauseOf(r.Reason, r.Vendor, r.Status, r.Diagnostic); ok {
			ev.Group, ev.Cause = c.Group, c.ID
		} else if r.Reason != bounce.DomainUnknown && r.Reason != bounce.RecipientRestricted {
			continue // nothing that a look-up could check
		}
		ev.Envelope(res.Original.ReturnPath, res.DeliveredTo, own)
		ev.IP = policy.Named(r.Diagnostic, r.RemoteMTA)
		ev.Reports(res.ReportingMTA, own)
		ev.trace(header, own)
		ev.arrival(m.Header, own)
		if !slices.ContainsFunc(list, ev.same) && len(list) < maxClaims {
			list = append(list, ev)
		}
	}
	return list
}

// Complete takes over what a notice shows of the mail that came back, where it
// says the same as this evidence and nothing was known of it.
func (ev *Evidence) Complete(o *Evidence) {
	differ := func(a, b string) bool { return a != "" && b != "" && a != b }
	if ev.Header != nil || o.Header == nil || ev.Cause != o.Cause || differ(ev.MailFrom, o.MailFrom) || differ(ev.From, o.From) || differ(ev.Remote, o.Remote) ||
		ev.IP.IsValid() && o.IP.IsValid() && ev.IP != o.IP {
		return
	}
	ev.Header, ev.Raw, ev.Direct, ev.arrived = o.Header, o.Raw, ev.Direct || o.Direct, o.arrived
	if !ev.IP.IsValid() {
		ev.IP = o.IP
	}
	ev.Helo, ev.MailFrom, ev.From = cmp.Or(ev.Helo, o.Helo), cmp.Or(ev.MailFrom, o.MailFrom), cmp.Or(ev.From, o.From)
	ev.Null = ev.Null || ev.MailFrom == "" && o.Null
	if len(ev.Signatures) == 0 {
		ev.Signatures = o.Signatures
	}
}

// same tells whether another piece of evidence says the same.
func (ev *Evidence) same(o Evidence) bool {
	return ev.Cause == o.Cause && ev.Claim.Reason == o.Claim.Reason && ev.IP == o.IP && ev.Recipient == o.Recipient
}

// Envelope fills in the envelope sender's domain: from the returned mail, else
// from the address that the notice came to, which is our return path.
func (ev *Evidence) Envelope(returnPath, deliveredTo string, own []string) {
	switch {
	case returnPath == "<>":
		ev.Null = true
	case returnPath != "":
		ev.MailFrom = canonical(afterAt(returnPath))
	default:
		d := canonical(afterAt(deliveredTo))
		if slices.ContainsFunc(own, func(o string) bool { return below(d, o) }) {
			ev.MailFrom = d
		}
	}
}

// Reports says which host wrote the notice. Where it is one of ours, the receiver
// spoke to it, and the address that it saw is ours.
func (ev *Evidence) Reports(mta string, own []string) {
	name := host(mta)
	if name != "" && slices.ContainsFunc(own, func(o string) bool { return below(name, o) }) {
		ev.Direct, ev.Reporter = true, name
	}
}

var (
	receivedFrom = regexp.MustCompile(`(?i)^from\s+(\S+)\s*(\([^)]*\))?`)
	receivedBy   = regexp.MustCompile(`(?i)\sby\s+(\S+)`)
	bracketed    = regexp.MustCompile(`\[(?:IPv6:)?([0-9A-Fa-f:.]+)\]`)
)

// inBrackets is the address in the first brackets of a text, if it is one of the
// Internet.
func inBrackets(text string) (netip.Addr, bool) {
	m := bracketed.FindStringSubmatch(text)
	if m == nil {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(m[1])
	return ip.Unmap(), err == nil && !special(ip)
}

// trace reads the Received fields of the returned mail: the topmost one that a
// stranger wrote says which address of ours he saw, and what name it gave. That
// no stranger wrote one is the sign of a refusal at once, so that our own
// server reports.
func (ev *Evidence) trace(h mime.Header, own []string) {
	fields := h.All("Received")
	for _, r := range first(fields, 20) {
		by := receivedBy.FindStringSubmatch(r)
		from := receivedFrom.FindStringSubmatch(r)
		if by == nil || from == nil || slices.ContainsFunc(own, func(o string) bool { return below(by[1], o) }) {
			continue
		}
		ip, ok := inBrackets(from[0])
		if !ok {
			continue
		}
		if !ev.IP.IsValid() {
			ev.IP = ip
		}
		if ip == ev.IP && ev.Helo == "" && slices.ContainsFunc(own, func(o string) bool { return below(from[1], o) }) {
			ev.Helo = canonical(from[1])
		}
		return
	}
	if len(fields) > 0 && ev.IP.IsValid() && !ev.Direct {
		by := receivedBy.FindStringSubmatch(fields[0])
		ev.Direct = by != nil && slices.ContainsFunc(own, func(o string) bool { return below(by[1], o) })
	}
	if i := strings.Index(strings.ToLower(ev.Claim.Sentence), "helo="); i >= 0 && ev.Helo == "" {
		rest := ev.Claim.Sentence[i+5:]
		ev.Helo = host(strings.Trim(rest[:min(len(rest), 255)], "<>"))
		ev.Helo = strings.TrimRight(strings.SplitN(ev.Helo, ">", 2)[0], ".,;)")
	}
}
