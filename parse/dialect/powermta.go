package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// PowerMTA gives the fate in words; its bounce category in the status part is
// its own guess.
func powermta() Dialect {
	return Dialect{
		Name:  "powermta",
		Marks: []Mark{{"hello, this is the mail server on"}, {"x-powermta-virtualmta:"}, {"x-powermta-bouncecategory:"}},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			n := &notice.Notice{Kind: bounce.KindBounce, Returned: returned}
			for _, l := range notice.Lines(head) {
				t := strings.TrimSpace(l)
				if !strings.HasPrefix(t, "<") {
					continue
				}
				addr, at := notice.ScanAddress(t[1:])
				if at == 0 {
					continue
				}
				f := notice.Failure{Address: addr, Action: bounce.Failed}
				switch rest := t[1+at:]; {
				case strings.Contains(rest, "will continue trying"):
					f.Action = bounce.Delayed
				case strings.Contains(rest, "relayed"):
					f.Action = bounce.Relayed
				case strings.Contains(rest, "delivered"):
					f.Action = bounce.Delivered
				}
				n.Failures = append(n.Failures, f)
			}
			return n
		},
	}
}
