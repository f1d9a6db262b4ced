package dialect

import (
	"strings"

	"harvester/parse/notice"
	"harvester/parse/view"
)

// Mimecast's own notices: `-- ` lines hold recipient, reason phrase and remote
// reply in that order (plain text and the multipart form); the newer HTML form
// is prose. The remote reply says more than the phrase, which is printed for
// any refusal.
func mimecast() Dialect {
	return Dialect{
		Name: "mimecast",
		Marks: []Mark{
			{"subject: [postmaster] email delivery failure"},
			{"the problem appears to be", "additional information follows"},
			{"could not be delivered", "the problem appears to be"},
			{"reporting-mta: dns;", "mimecast.com", "the message you sent to"},
			{"reporting-mta: dns;", ".mimecast.com", "action :"},
			{"the message you sent to", "couldn't be delivered due to"},
		},
		Read: readMimecast,
	}
}

func readMimecast(m *view.Mail) *notice.Notice {
	head, returned := notice.CutReturned(m.Text)
	ls := notice.Lines(head)
	n := &notice.Notice{Kind: notice.KindOf(m, head), Returned: returned}
	var marked []string
	for i := 0; i < len(ls); i++ {
		rest, ok := strings.CutPrefix(strings.TrimSpace(ls[i]), "-- ")
		if !ok {
			continue
		}
		v := notice.AppendLine("", rest)
		for i+1 < len(ls) && ls[i+1] != "" && !strings.HasPrefix(strings.TrimSpace(ls[i+1]), "-- ") && !strings.HasSuffix(ls[i+1], ":") {
			i++
			v = notice.AppendLine(v, ls[i])
		}
		marked = append(marked, v)
	}
	if len(marked) > 0 {
		addr, _, _ := notice.FindAddress(marked[0])
		if addr == "" {
			return nil
		}
		f := notice.Failure{Address: addr}
		if len(marked) > 1 {
			f.Reply = marked[len(marked)-1]
			if len(marked) > 2 {
				f.Reply = marked[1] + " " + marked[2]
			}
		}
		n.Failures = append(n.Failures, f)
		return n
	}
	for i, l := range ls {
		if notice.Contains(l, "the message you sent to") {
			p, end := notice.Block(ls, i, nil)
			addr, _, _ := notice.FindAddress(p)
			if addr == "" {
				return nil
			}
			_, reason, _ := strings.Cut(p, "due to:")
			reply := notice.AppendLine("", reason)
			if j := notice.After(ls[end:], "further information"); j > 0 {
				more, _ := notice.Block(ls, notice.SkipBlank(ls, end+j), nil)
				reply = notice.AppendLine(reply, more)
			}
			n.Failures = append(n.Failures, notice.Failure{Address: addr, Reply: reply})
			return n
		}
	}
	return nil
}
