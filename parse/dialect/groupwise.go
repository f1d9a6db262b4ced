package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// GroupWise names a user of its own system without the domain: "kate (user not
// found)". As kate@localhost it stands for whom the returned mail went to, if
// that is a kate.
func groupwiseNames() Dialect {
	const intro = "you sent was undeliverable to the following"
	return Dialect{Name: "groupwise-names", Marks: []Mark{{intro}}, Read: func(m *view.Mail) *notice.Notice {
		head, returned := notice.CutReturned(m.Text)
		ls := notice.Lines(head)
		n := &notice.Notice{Kind: bounce.KindBounce, Returned: returned}
		for _, l := range ls[notice.SkipBlank(ls, max(0, notice.After(ls, intro))):] {
			name, reason, ok := strings.Cut(strings.TrimSpace(l), " (")
			if !ok || !strings.HasSuffix(reason, ")") || len(n.Failures) == notice.MaxFailures {
				break
			}
			if !strings.Contains(name, "@") {
				name += "@localhost"
			}
			if addr, at := notice.ScanAddress(name); at == len(name) {
				n.Failures = append(n.Failures, notice.Failure{Address: addr, Reply: strings.TrimSuffix(reason, ")")})
			}
		}
		if len(n.Failures) == 0 {
			return nil
		}
		return n
	}}
}
