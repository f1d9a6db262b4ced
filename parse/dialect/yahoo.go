package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Yahoo and the services on its platform write qmail paragraphs under an intro
// of their own; the SMTP stage stands in brackets behind the reply.
func yahoo() Dialect {
	return Dialect{
		Name: "yahoo",
		Marks: []Mark{
			{"sorry, we were unable to deliver your message to the following address"},
			{"message from yahoo", "unable to deliver message to the following address"},
			{"unable to deliver message to the following address(es)"},
			{"from: mailer-daemon@yahoo"},
		},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			n := &notice.Notice{Kind: bounce.KindBounce, Returned: returned, Failures: notice.Paragraphs(notice.Lines(head), false)}
			for i := range n.Failures {
				n.Failures[i].Reply = strings.ReplaceAll(n.Failures[i].Reply, `\n`, " ")
			}
			return n
		},
	}
}
