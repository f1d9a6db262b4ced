package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Exchange2003 is the text notice of Exchange 2000 and 2003 (`addr on DATE`,
// last line `<host #5.1.1 smtp;550 …>`) and the DSN text of the SMTP service of
// Windows 2000 and 2003, which lists addresses without any reason.
func exchange2003() Dialect {
	return Dialect{
		Name: "exchange2003",
		Marks: []Mark{
			{"your message did not reach some or all of the intended recipients", "the following recipient(s) could not be reached"},
			{"your message did not reach some or all of the intended recipients", "the following recipient(s) cannot be reached"},
			{"this is an automatically generated delivery status notification.", "delivery to the following recipients failed"},
			{"this is an automatically generated delivery status notification."},
			{"the email below could not be delivered to the following user"},
			{"9b095b5adsn"},
		},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			ls := notice.Lines(head)
			n := &notice.Notice{Kind: notice.KindOf(m, head), Returned: returned}
			if strings.Contains(head, "has been delayed") {
				n.Kind = bounce.KindDelay
			}
			var f *notice.Failure
			for _, l := range ls {
				t := strings.TrimSpace(l)
				if t == "" {
					continue
				}
				name, _, dated := strings.Cut(t, " on ")
				a, ok := notice.BareAddress(name)
				if ok && notice.Indent(l) > 0 && (dated || name == t) {
					n.Failures = append(n.Failures, notice.Failure{Address: a})
					f = &n.Failures[len(n.Failures)-1]
					continue
				}
				if f == nil {
					continue
				}
				f.Reply = notice.AppendLine(f.Reply, t)
				if host, rest, ok := strings.Cut(strings.TrimPrefix(t, "<"), " #"); ok && strings.Contains(host, ".") {
					f.Remote = host
					f.Status, _, _ = strings.Cut(rest, " ")
				}
			}
			return n
		},
	}
}
