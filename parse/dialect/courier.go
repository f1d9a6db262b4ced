package dialect

import (
	"strings"

	"harvester/parse/notice"
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
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			ls := notice.Lines(head)
			n := &notice.Notice{Kind: notice.KindOf(m, head), Returned: returned}
			for i := 0; i < len(ls); i++ {
				addr, rest, ok := notice.OpensWithAddress(ls[i])
				if !ok || rest != "" {
					continue
				}
				f := notice.Failure{Address: addr}
				for i++; i < len(ls); i++ {
					if _, _, next := notice.OpensWithAddress(ls[i]); next {
						i--
						break
					}
					t := strings.TrimSpace(ls[i])
					switch {
					case strings.HasPrefix(t, "<<< "):
						f.Reply = notice.AppendLine(f.Reply, t[4:])
					case strings.HasPrefix(t, "*** "):
						f.Reply = notice.AppendLine(f.Reply, t[4:])
					case strings.HasPrefix(t, ">>> "), t == "":
					case strings.HasSuffix(t, "]:") && f.Remote == "":
						f.Remote = notice.HostWord(t)
					case notice.Indent(ls[i]) > 0:
						f.Reply = notice.AppendLine(f.Reply, t)
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
