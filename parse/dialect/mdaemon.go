package dialect

import (
	"strings"

	"harvester/parse/bounce"
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
		Read: func(m *view.Mail) *Notice {
			head, returned := cutReturned(m.Text)
			ls := lines(head)
			n := &Notice{Kind: kindOf(m, head), Returned: returned}
			var reply, to string
			replies := map[string]string{} // to the RCPT of an address in lower case
			for _, l := range ls {
				if _, s, ok := strings.Cut(l, "<-- "); ok && codeAt(s) == 0 {
					reply = appendLine("", s)
					if to != "" {
						replies[strings.ToLower(to)] = reply
					}
				} else if _, s, ok := strings.Cut(l, "--> RCPT T"); ok {
					to, _, _ = findAddress(s)
				} else if _, s, ok := strings.Cut(l, "*  "); ok {
					if a, ok := strings.CutPrefix(strings.TrimSpace(s), "To: "); ok && to == "" {
						to, _ = bareAddress(a)
					} else if reply == "" && Failing(s) {
						reply = appendLine("", s)
					}
				}
				if v, ok := labelled(l, "failed address"); ok {
					a, _, _ := findAddress(v)
					n.Failures = append(n.Failures, Failure{Address: a})
				}
				if rest, ok := strings.CutPrefix(l, "> "); ok {
					if a, ok := bareAddress(rest); ok {
						n.Failures = append(n.Failures, Failure{Address: a})
					}
				}
			}
			if len(n.Failures) == 0 && to != "" {
				n.Failures = []Failure{{Address: to}}
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
