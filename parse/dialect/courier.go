package dialect

import (
	"strings"

	"harvester/parse/view"
)

// Courier opens with a banner and gives each recipient as `<addr>:` with the
// SMTP dialogue below it (courier/submit, dsn files).
func courier() Dialect {
	return Dialect{
		Name: "courier",
		Marks: []Mark{
			{"running the courier mail server"},
			{"this is a delivery status notification from", "courier"},
			{"subject: notice: mail delivery status."},
			{"subject: warning: delayed mail."},
		},
		Read: func(m *view.Mail) *Notice {
			head, returned := cutReturned(m.Text)
			ls := lines(head)
			n := &Notice{Kind: kindOf(m, head), Returned: returned}
			for i := 0; i < len(ls); i++ {
				addr, rest, ok := opensWithAddress(ls[i])
				if !ok || rest != "" {
					continue
				}
				f := Failure{Address: addr}
				for i++; i < len(ls); i++ {
					if _, _, next := opensWithAddress(ls[i]); next {
						i--
						break
					}
					t := strings.TrimSpace(ls[i])
					switch {
					case strings.HasPrefix(t, "<<< "):
						f.Reply = appendLine(f.Reply, t[4:])
					case strings.HasPrefix(t, "*** "):
						f.Reply = appendLine(f.Reply, t[4:])
					case strings.HasPrefix(t, ">>> "), t == "":
					case strings.HasSuffix(t, "]:") && f.Remote == "":
						f.Remote = hostWord(t)
					case indent(ls[i]) > 0:
						f.Reply = appendLine(f.Reply, t)
					}
					if t == "" && f.Reply != "" {
						break
					}
				}
				n.Failures = append(n.Failures, f)
			}
			return n
		},
	}
}
