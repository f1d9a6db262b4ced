package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Postfix writes one paragraph per recipient, wrapped at 79 columns with four
// blanks (bounce_notify_util.c). mail_name may replace the name everywhere;
// templates may replace all but the paragraphs and the status part.
func postfix() Dialect {
	return Dialect{
		Name: "postfix",
		Marks: []Mark{
			{"this is the mail system at host"},
			{"this is the postfix program at host"},
			{"x-postfix-queue-id:"},
			{"-queue-id:", "-sender:", "arrival-date:"},
			{"subject: undelivered mail returned to sender"},
			{"subject: delayed mail (still being retried)"},
			{"your message was successfully delivered to the destination(s)"},
		},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			n := &notice.Notice{Kind: notice.KindOf(m, head), Failures: notice.Paragraphs(notice.Lines(head), false), Returned: returned}
			if strings.Contains(head, "successfully delivered to the destination") {
				n.Kind = bounce.KindDelivered
			}
			if _, after, ok := strings.Cut(head, "program at host "); ok {
				n.Host = notice.HostWord(after)
			} else if _, after, ok := strings.Cut(head, "mail system at host "); ok {
				n.Host = notice.HostWord(after)
			}
			return n
		},
	}
}
