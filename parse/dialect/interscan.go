package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/view"
)

// InterScan is Trend Micro's IMSS and VirusWall, whose arrows point the other
// way round: `Sent <<<`, `Received >>>`.
func interscan() Dialect {
	return Dialect{
		Name:  "interscan",
		Marks: []Mark{{"sent <<<", "received >>>"}, {"interscan mss"}, {"from: \"interscan"}, {"<<< rcpt to:", ">>> 5"}, {"unable to deliver message to", ">>>"}},
		Read: func(m *view.Mail) *Notice {
			head, returned := cutReturned(m.Text)
			n := &Notice{Kind: bounce.KindBounce, Returned: returned}
			to := ""
			for _, l := range lines(head) {
				if _, s, ok := strings.Cut(l, "<<< "); ok && strings.Contains(strings.ToUpper(s), "RCPT TO") {
					to, _, _ = findAddress(s)
				} else if _, s, ok := strings.Cut(l, ">>> "); ok && codeAt(s) == 0 && to != "" {
					n.Failures = append(n.Failures, Failure{Address: to, Reply: appendLine("", s)})
					to = ""
				} else if contains(l, "unable to deliver message to") && to == "" {
					to, _, _ = findAddress(l)
				}
			}
			if to != "" && len(n.Failures) == 0 {
				n.Failures = []Failure{{Address: to, Reply: looseReply(head)}}
			}
			if len(n.Failures) == 0 {
				return nil
			}
			return n
		},
	}
}
