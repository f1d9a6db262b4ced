package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/view"
)

// Zoho opens like Exim; recipient lines carry ERROR_CODE or a bracketed record.
func zoho() Dialect {
	return Dialect{
		Name: "zoho",
		Marks: []Mark{
			{"error_code :"}, {"[status: error, address:"}, {"x-zohomail:", "this message was created automatically by mail delivery software"}, {"x-zohomail:", "mailer-daemon@mail.zoho"},
		},
		Read: func(m *view.Mail) *Notice {
			head, returned := cutReturned(m.Text)
			n := &Notice{Kind: bounce.KindBounce, Returned: returned}
			ls := lines(head)
			for i, l := range ls {
				if a, rest, ok := zohoRecord(l); ok {
					more, _ := block(ls, i+1, func(l string) bool { _, _, next := zohoRecord(l); return next })
					n.Failures = append(n.Failures, Failure{Address: a, Reply: appendLine(appendLine("", rest), more)})
				}
			}
			return n
		},
	}
}

// zohoRecord reads a line that opens with a recipient: `[Status: Error,
// Address: <addr>, reply]`, `addr reply` or `addr, reply`.
func zohoRecord(l string) (addr, reply string, ok bool) {
	if _, rest, found := strings.Cut(l, "Address: <"); found && strings.Contains(l, "[Status:") {
		if addr, at := scanAddress(rest); at > 0 {
			return addr, l, true
		}
		return "", "", false
	}
	if addr, at := scanAddress(l); at > 0 && at < len(l) && (l[at] == ' ' || l[at] == ',') {
		return addr, strings.TrimLeft(l[at:], " ,"), true
	}
	return "", "", false
}
