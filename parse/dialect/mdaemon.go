package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// MDaemon (and SecurityGateway) encloses its session transcript, whose arrows
// show what came (`<--`) and what was said (`-->`).
func mdaemon() Dialect {
	return Dialect{
		Name: "mdaemon",
		Marks: []Mark{
			{"the attached message had permanent fatal delivery errors"}, {"mdaemon delivery status notification"}, {"x-mddsn-message:"},
			{"the attached message had temporary non-fatal delivery errors"}, {"the following addresses did not receive a copy of your message"}, {"securitygateway for email servers"},
		},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			ls := notice.Lines(head)
			n := &notice.Notice{Kind: notice.KindOf(m, head), Returned: returned}
			var reply, to string
			replies := map[string]string{} // to the RCPT of an address in lower case
			for _, l := range ls {
				if _, s, ok := strings.Cut(l, "<-- "); ok && notice.CodeAt(s) == 0 {
					reply = notice.AppendLine("", s)
					if to != "" {
						replies[strings.ToLower(to)] = reply
					}
				} else if _, s, ok := strings.Cut(l, "--> RCPT T"); ok {
					to, _, _ = notice.FindAddress(s)
				} else if _, s, ok := strings.Cut(l, "*  "); ok {
					if a, ok := strings.CutPrefix(strings.TrimSpace(s), "To: "); ok && to == "" {
						to, _ = notice.BareAddress(a)
					} else if reply == "" && notice.Failing(s) {
						reply = notice.AppendLine("", s)
					}
				}
				if v, ok := labelled(l, "failed address"); ok {
					a, _, _ := notice.FindAddress(v)
					n.Failures = append(n.Failures, notice.Failure{Address: a})
				}
				if rest, ok := strings.CutPrefix(l, "> "); ok {
					if a, ok := notice.BareAddress(rest); ok {
						n.Failures = append(n.Failures, notice.Failure{Address: a})
					}
				}
			}
			if len(n.Failures) == 0 && to != "" {
				n.Failures = []notice.Failure{{Address: to}}
			}
			for i := range n.Failures {
				f := &n.Failures[i]
				if f.Reply = replies[strings.ToLower(f.Address)]; f.Reply == "" && (len(n.Failures) == 1 || len(replies) == 0) {
					f.Reply = reply
				}
			}
			if strings.Contains(head, "PERMANENT fatal") {
				n.Kind = bounce.KindBounce
			}
			return n
		},
	}
}
