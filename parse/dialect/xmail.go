package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// XMail numbers the blocks of its notice; block 0 has everything.
func xmail() Dialect {
	return Dialect{
		Name:  "xmail",
		Marks: []Mark{{"xmail bounce: rcpt=["}, {"x-smtp-mailer-error:"}},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			n := &notice.Notice{Kind: bounce.KindBounce, Returned: returned}
			for rest := head; ; {
				_, tail, ok := strings.Cut(rest, "XMail bounce: Rcpt=[")
				if !ok {
					break
				}
				addr, after, _ := strings.Cut(tail, "]")
				_, reply, ok := strings.Cut(after, "Error=[")
				if ok {
					if end := strings.Index(reply, "]\n"); end >= 0 {
						reply = reply[:end]
					} else {
						reply, _, _ = strings.Cut(reply, "\n\n")
						reply = strings.TrimSuffix(reply, "]")
					}
				}
				n.Failures = append(n.Failures, notice.Failure{Address: addr, Reply: notice.AppendLine("", strings.Join(strings.Fields(reply), " "))})
				rest = after
			}
			return n
		},
	}
}
