package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Notes is the old Lotus Notes SMTP MTA: the reason first, the address below.
func notes() Dialect {
	return Dialect{
		Name:  "notes",
		Marks: []Mark{{"------- failure reasons"}},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			ls := notice.Lines(head)
			n := &notice.Notice{Kind: bounce.KindBounce, Returned: returned}
			i := notice.After(ls, "------- failure reasons")
			if i < 0 {
				return nil
			}
			reply := ""
			for ; i < len(ls); i++ {
				if addr, ok := notice.BareAddress(ls[i]); ok {
					n.Failures = append(n.Failures, notice.Failure{Address: addr, Reply: reply})
					reply = ""
				} else if !strings.HasPrefix(ls[i], "---") {
					reply = notice.AppendLine(reply, ls[i])
				}
			}
			return n
		},
	}
}
