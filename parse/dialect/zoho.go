package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/view"
)

// Zoho opens like Exim; recipient lines carry ERROR_CODE or a bracketed record.
func (layouts) Zoho() Dialect {
	return Dialect{
		Name: "zoho",
		Marks: []Mark{
			{"error_code :"}, {"[status: error, address:"}, {"x-zohomail:", "this message was created automatically by mail delivery software"}, {"x-zohomail:", "mailer-daemon@mail.zoho"},
		},
		Read: func(m *view.Mail) *Notice {
			head, returned := cut(m.Text)
			n := &Notice{Kind: bounce.KindBounce, Returned: returned}
			ls := lines(head)
			for i, l := range ls {
				if _, rest, ok := strings.Cut(l, "Address: <"); ok && strings.Contains(l, "[Status:") {
					if addr, at := scanAddress(rest); at > 0 {
						reply, _ := block(ls, i, nil)
						n.Failures = append(n.Failures, Failure{Address: addr, Reply: reply})
					}
					continue
				}
				if addr, at := scanAddress(l); at > 0 && at < len(l) && (l[at] == ' ' || l[at] == ',') {
					reply, _ := block(ls, i, nil)
					n.Failures = append(n.Failures, Failure{Address: addr, Reply: strings.TrimLeft(reply[min(len(reply), at):], " ,")})
				}
			}
			return n
		},
	}
}
