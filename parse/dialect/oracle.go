package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Oracle is the Sun/iPlanet/Oracle Messaging Server, heir of PMDF; Apple's
// mail runs it. Original address, where it stands, is what we mailed.
func oracle() Dialect {
	return Dialect{
		Name: "oracle",
		Marks: []Mark{
			{"this report relates to a message you sent with the following header fields"},
			{"subject: delivery notification: delivery has"},
			{"recipient address:", "diagnostic code:"},
			{"boundary_(id_", "recipient address:"},
			{"your message has been enqueued and undeliverable for"},
		},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			n := &notice.Notice{Kind: notice.KindOf(m, head), Returned: returned}
			if strings.Contains(head, "successfully delivered to the following") {
				n.Kind = bounce.KindDelivered
			}
			var f *notice.Failure
			var row *string
			var reason string
			for _, l := range notice.Lines(head) {
				v, isRow := "", true
				switch label, rest, ok := strings.Cut(strings.TrimSpace(l), ":"); {
				case !ok || notice.Indent(l) == 0:
					isRow = false
				case strings.EqualFold(label, "Recipient address"):
					addr := rest
					if i := strings.LastIndexByte(rest, ':'); i >= 0 && strings.HasPrefix(strings.TrimSpace(rest), "@") {
						addr = rest[i+1:] // a source route
					}
					a, _, _ := notice.FindAddress(addr)
					n.Failures = append(n.Failures, notice.Failure{Address: a})
					f, row, reason = &n.Failures[len(n.Failures)-1], nil, ""
				case f == nil:
				case strings.EqualFold(label, "Original address"):
					f.Mailed, _, _ = notice.FindAddress(rest)
					row = nil
				case strings.EqualFold(label, "Reason"):
					reason, row = rest, nil
					if f.Reply == "" {
						f.Reply, row = notice.AppendLine("", rest), &f.Reply
					}
				case strings.EqualFold(label, "Diagnostic code"):
					_, v, _ = strings.Cut(rest, ";")
					f.Reply, row = notice.AppendLine(notice.AppendLine("", reason), v), &f.Reply
				case strings.EqualFold(label, "Remote system"):
					_, v, _ = strings.Cut(rest, ";")
					f.Remote, row = notice.HostWord(strings.TrimSpace(v)), nil
				default:
					isRow = false
				}
				if !isRow && row != nil && notice.Indent(l) > 2 {
					*row = notice.AppendLine(*row, l)
				}
				if strings.TrimSpace(l) == "" {
					row = nil
				}
			}
			return n
		},
	}
}
