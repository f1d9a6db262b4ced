package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/view"
)

// Notes is the old Lotus Notes SMTP MTA: the reason first, the address below.
func notes() Dialect {
	return Dialect{
		Name:  "notes",
		Marks: []Mark{{"------- failure reasons"}},
		Read: func(m *view.Mail) *Notice {
			head, returned := cutReturned(m.Text)
			ls := lines(head)
			n := &Notice{Kind: bounce.KindBounce, Returned: returned}
			i := after(ls, "------- failure reasons")
			if i < 0 {
				return nil
			}
			reply := ""
			for ; i < len(ls); i++ {
				if addr, ok := bareAddress(ls[i]); ok {
					n.Failures = append(n.Failures, Failure{Address: addr, Reply: reply})
					reply = ""
				} else if !strings.HasPrefix(ls[i], "---") {
					reply = appendLine(reply, ls[i])
				}
			}
			return n
		},
	}
}
