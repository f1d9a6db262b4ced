package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Zoho opens like Exim; recipient lines carry ERROR_CODE or a bracketed record.
func zoho() Dialect {
	return Dialect{
		Name: "zoho",
		Marks: []Mark{
			{"error_code :"}, {"[status: error, address:"}, {"x-zohomail:", "this message was created automatically by mail delivery software"}, {"x-zohomail:", "mailer-daemon@mail.zoho"},
		},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			n := &notice.Notice{Kind: bounce.KindBounce, Returned: returned}
			ls := notice.Lines(head)
			for i, l := range ls {
				if a, rest, ok := zohoRecord(l); ok {
					more, _ := notice.Block(ls, i+1, func(l string) bool { _, _, next := zohoRecord(l); return next })
					n.Failures = append(n.Failures, notice.Failure{Address: a, Reply: notice.AppendLine(notice.AppendLine("", rest), more)})
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
		if addr, at := notice.ScanAddress(rest); at > 0 {
			return addr, l, true
		}
		return "", "", false
	}
	if addr, at := notice.ScanAddress(l); at > 0 && at < len(l) && (l[at] == ' ' || l[at] == ',') {
		return addr, strings.TrimLeft(l[at:], " ,"), true
	}
	return "", "", false
}
