package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Naver (and LINE WORKS) name the failed address in the subject only.
func naver() Dialect {
	return Dialect{
		Name:  "naver",
		Marks: []Mark{{"navermail_noreply@navercorp.com"}, {"no_reply@worksmobile.com", "발송실패"}, {"subject: [발송실패 안내]"}},
		Read: func(m *view.Mail) *notice.Notice {
			addr, _, _ := notice.FindAddress(strings.TrimPrefix(m.Subject, "[발송실패 안내]"))
			if addr == "" {
				return nil
			}
			head, returned := notice.CutReturned(m.Text)
			return &notice.Notice{Kind: bounce.KindBounce, Returned: returned, Failures: []notice.Failure{{Address: addr, Reply: notice.LooseReply(head)}}}
		},
	}
}
