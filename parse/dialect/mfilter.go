package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/view"
)

// MFilter is Digital Arts' m-FILTER: a Japanese intro, the address alone on a
// line, sections headed in English.
func mfilter() Dialect {
	return Dialect{
		Name:  "m-filter",
		Marks: []Mark{{"x-mailer: m-filter"}, {"-------server message"}},
		Read: func(m *view.Mail) *Notice {
			head, returned := cutReturned(m.Text)
			n := &Notice{Kind: bounce.KindBounce, Returned: returned}
			ls := lines(head)
			reply := ""
			if i := after(ls, "-------server message"); i > 0 {
				reply, _ = block(ls, skipBlank(ls, i), func(l string) bool { return strings.HasPrefix(l, "-------") })
			}
			for _, l := range ls {
				if strings.HasPrefix(l, "-------") {
					break
				}
				if addr, ok := bareAddress(l); ok {
					n.Failures = append(n.Failures, Failure{Address: addr, Reply: reply})
				}
			}
			return n
		},
	}
}
