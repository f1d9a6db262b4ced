package dialect

import (
	"strings"

	"harvester/parse/mime"
	"harvester/parse/view"
)

// Noticed tells whether a mail of no known layout may be read as a failure
// notice at all: it comes from a mail system, says so in a header, or its
// subject does. Words in the body alone never suffice.
func Noticed(m *view.Mail) bool {
	return m.Daemon() || m.Header.Has("X-Failed-Recipients") || m.Header.Has("X-MS-Exchange-Message-Is-Ndr") ||
		wordsIn(m.Subject)&(wordFailure|wordDelay) != 0
}

// FromHeader reads X-Failed-Recipients (Exim, Gmail) where the text names
// nobody.
func FromHeader(m *view.Mail) *Notice {
	head, returned := cutReturned(m.Text)
	n := &Notice{Kind: kindOf(m, head), Returned: returned}
	for _, a := range failedRecipients(m) {
		n.Failures = append(n.Failures, Failure{Address: a, Reply: looseReply(head)})
	}
	if len(n.Failures) == 0 {
		return nil
	}
	return n
}

// failedRecipients are the addresses of X-Failed-Recipients.
// QUIRK: ZoneMTA lists all recipients of the mail there.
func failedRecipients(m *view.Mail) []string {
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
	head, returned := cutReturned(m.Text)
	return &Notice{Kind: kindOf(m, head), Returned: returned, Failures: []Failure{{Reply: looseReply(head)}}}
}

// looseReply is what a text says where no reply stands in a place of its own: from
// the first reply code on, else the first lines.
func looseReply(head string) string {
	ls := lines(head)
	for i, l := range ls {
		if codeAt(l) >= 0 {
			r, _ := block(ls, i, nil)
			return r
		}
	}
	reply := ""
	for _, l := range ls {
		if reply = appendLine(reply, l); len(reply) > 600 {
			break
		}
	}
	return reply
}

// paragraphs reads notices whose recipients open a paragraph at the begin of a
// line, `<addr>: reason` or `<addr>:` with the reason below it, up to a blank
// line. With alone, text behind the colon makes the line part of a reply.
func paragraphs(ls []string, alone bool) []Failure {
	var out []Failure
	for i := 0; i < len(ls); {
		f, rest, ok := paragraphStart(ls[i])
		if !ok || alone && rest != "" {
			i++
			continue
		}
		i++
		if rest == "" && !alone {
			i = skipBlank(ls, i)
		}
		f.Reply = appendLine("", rest)
		for ; i < len(ls) && ls[i] != ""; i++ {
			if _, r, ok := paragraphStart(ls[i]); ok && (!alone || r == "") {
				break
			}
			if ls[i] == "/" { // QUIRK: qmail writes "/" for a blank line inside a report
				continue
			}
			f.Reply = appendLine(f.Reply, ls[i])
		}
		f.Remote = remote(f.Reply)
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

// hostWord is the host name that s begins with.
func hostWord(s string) string {
	end := strings.IndexAny(s, " \n\t,;")
	if end >= 0 {
		s = s[:end]
	}
	return strings.Trim(s, ".:")
}
