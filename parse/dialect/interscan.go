package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// InterScan is Trend Micro's IMSS and VirusWall, whose arrows point the other
// way round: `Sent <<<`, `Received >>>`.
func interscan() Dialect {
	return Dialect{
		Name:  "interscan",
		Marks: []Mark{{"sent <<<", "received >>>"}, {"interscan mss"}, {"from: \"interscan"}, {"<<< rcpt to:", ">>> 5"}, {"unable to deliver message to", ">>>"}},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			n := &notice.Notice{Kind: bounce.KindBounce, Returned: returned}
			to := ""
			for _, l := range notice.Lines(head) {
				if _, s, ok := strings.Cut(l, "<<< "); ok && strings.Contains(strings.ToUpper(s), "RCPT TO") {
					to, _, _ = notice.FindAddress(s)
				} else if _, s, ok := strings.Cut(l, ">>> "); ok && notice.CodeAt(s) == 0 && to != "" {
					n.Failures = append(n.Failures, notice.Failure{Address: to, Reply: notice.AppendLine("", s)})
					to = ""
				} else if notice.Contains(l, "unable to deliver message to") && to == "" {
					to, _, _ = notice.FindAddress(l)
				}
			}
			if to != "" && len(n.Failures) == 0 {
				n.Failures = []notice.Failure{{Address: to, Reply: notice.LooseReply(head)}}
			}
			if len(n.Failures) == 0 {
				return nil
			}
			return n
		},
	}
}
