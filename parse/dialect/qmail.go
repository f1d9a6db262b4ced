package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Qmail and its many descendants write QSBMF (https://cr.yp.to/proto/qsbmf.txt):
// an intro, paragraphs that begin `<addr>:`, and a break paragraph.
func qmail() Dialect {
	return Dialect{
		Name: "qmail",
		Marks: []Mark{
			{"invoked for bounce)", "qmail"},
			{"hi. this is the", "program at"},
			{"hi. this is the qmail"},
			{"hi. the mta program at"},
			{"we're sorry. there's a problem"},
			{"this is the mail delivery agent at"},
			{"this is the machine generated message from mail service"},
			{"this is the deliver program at"},
			{"this is the email server at"},
			{"check your send e-mail address."},
			{"unfortunately, your mail was not delivered"},
			{"your mail message to the following"},
			{"subject: failure notice"},
		},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			if strings.Contains(head, "but the bounce bounced!") {
				return nil // a double bounce: its "recipient" sent us something
			}
			ls := notice.Lines(head)
			n := &notice.Notice{Kind: notice.KindOf(m, head), Failures: notice.Paragraphs(ls, true), Returned: returned}
			for i := range n.Failures {
				if strings.Contains(n.Failures[i].Reply, "I'm not going to try again") {
					n.Kind = bounce.KindBounce
				}
			}
			if len(ls) > 0 {
				if _, after, ok := strings.Cut(ls[0], "program at "); ok {
					n.Host = notice.HostWord(after)
				}
			}
			return n
		},
	}
}
