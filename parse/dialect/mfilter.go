package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// MFilter is Digital Arts' m-FILTER: a Japanese intro, the address alone on a
// line, sections headed in English.
func mfilter() Dialect {
	return Dialect{
		Name:  "m-filter",
		Marks: []Mark{{"x-mailer: m-filter"}, {"-------server message"}},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			n := &notice.Notice{Kind: bounce.KindBounce, Returned: returned}
			ls := notice.Lines(head)
			reply := ""
			if i := notice.After(ls, "-------server message"); i > 0 {
				reply, _ = notice.Block(ls, notice.SkipBlank(ls, i), func(l string) bool { return strings.HasPrefix(l, "-------") })
			}
			for _, l := range ls {
				if strings.HasPrefix(l, "-------") {
					break
				}
				if addr, ok := notice.BareAddress(l); ok {
					n.Failures = append(n.Failures, notice.Failure{Address: addr, Reply: reply})
				}
			}
			return n
		},
	}
}
