package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/generic"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// EZweb is au's mail for phones. One of a few fixed sentences above the
// address says more than the "550 user unknown" behind it, and a part with
// X-SPASIGN: NG was refused by the recipient's own filter.
func ezweb() Dialect {
	return Dialect{
		Name:  "ezweb",
		Marks: []Mark{{"subject: mail system error - returned mail", "ezweb.ne.jp"}, {"subject: mail system error - returned mail", "postmaster@au.com"}},
		Read: func(m *view.Mail) *notice.Notice {
			n := generic.Read(m, func(string) bool { return false })
			if n == nil {
				return nil
			}
			fixed := ""
			for _, l := range notice.Lines(m.Text) {
				if strings.HasPrefix(l, "The user(s) account is ") {
					fixed = l
					break
				}
			}
			for i := range n.Failures {
				f := &n.Failures[i]
				if fixed != "" && notice.CodeAt(f.Reply) >= 0 {
					f.Reply = notice.AppendLine(fixed, f.Reply)
				} else if fixed != "" {
					f.Reply = fixed
				}
				if filtered(m) {
					f.Means = bounce.SenderBlocked
				}
			}
			return n
		},
	}
}

func filtered(m *view.Mail) bool {
	for _, p := range m.Root.Children {
		if p.Header.Get("X-SPASIGN") == "NG" {
			return true
		}
	}
	return m.Header.Get("X-SPASIGN") == "NG"
}
