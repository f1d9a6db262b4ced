package dialect

import (
	"strings"

	"harvester/parse/notice"
	"harvester/parse/view"
)

// Office365 is the new look of Exchange Online and Outlook.com: a picture of
// three columns for people, a table of details for administrators.
func office365() Dialect {
	return Dialect{
		Name: "office365",
		Marks: []Mark{
			{"your message to", "couldn't be delivered", "office 365"},
			{"your message to", "couldn't be delivered", "more info for email admins"},
			{"couldn't deliver the message to the following recipients"},
			{"action required", "how to fix it", "couldn't be delivered"},
			{"original message details", "error details"},
			{"x-ms-exchange-message-is-ndr:", "error details"},
		},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			ls := notice.Lines(head)
			n := &notice.Notice{Kind: notice.KindOf(m, head), Returned: returned}
			reply, remoteMTA := office365Reply(ls)
			for _, a := range office365Recipients(ls) {
				n.Failures = append(n.Failures, notice.Failure{Address: a, Reply: reply, Remote: remoteMTA})
			}
			return n
		},
	}
}

func office365Recipients(ls []string) []string {
	// The details name it exactly; the headline may be wrapped or shortened.
	for i, l := range ls {
		if v, ok := labelled(l, "recipient address"); ok {
			if v == "" && i+1 < len(ls) {
				v = ls[notice.SkipBlank(ls, i+1)%len(ls)]
			}
			if a, _, _ := notice.FindAddress(v); a != "" {
				return []string{a}
			}
		}
	}
	var out []string
	for i, l := range ls {
		f := notice.Fold(l)
		if strings.Contains(f, "couldn't deliver the message to the following recipients") {
			list, end := notice.Block(ls, i, nil)
			if a, _, _ := notice.FindAddress(list); a == "" {
				list, _ = notice.Block(ls, notice.SkipBlank(ls, end), nil)
			}
			for {
				a, _, end := notice.FindAddress(list)
				if a == "" {
					return out
				}
				out = append(out, a)
				list = list[end:]
			}
		}
		if strings.Contains(f, "your message to") {
			p, _ := notice.Block(ls, i, nil)
			if a, _, _ := notice.FindAddress(p); a != "" {
				return []string{a}
			}
		}
	}
	return nil
}

func office365Reply(ls []string) (reply, host string) {
	status := ""
	for i, l := range ls {
		for _, k := range [...]string{"reported error", "error"} {
			if v, ok := labelled(l, k); ok && reply == "" {
				reply = v
				for j := i + 1; j < len(ls) && ls[j] != "" && !isLabel(ls[j]); j++ {
					reply = notice.AppendLine(reply, ls[j])
				}
			}
		}
		if v, ok := labelled(l, "status code"); ok && status == "" {
			status = v
		} else if f := strings.TrimSpace(l); status == "" && strings.HasPrefix(f, "Status code") {
			status = strings.TrimSpace(strings.TrimPrefix(f, "Status code"))
		}
		for _, k := range [...]string{"message rejected by", "remote server"} {
			if v, ok := labelled(l, k); ok && host == "" {
				host = notice.HostWord(v)
			}
		}
	}
	if reply == "" {
		reply = status
	}
	return reply, host
}

// labelled returns what stands behind `label:` when line begins with it.
func labelled(line, label string) (value string, ok bool) {
	line = strings.TrimLeft(line, " \t*•-")
	i := strings.IndexAny(line, ":\t")
	if i < 0 || i > 2*len(label)+8 || strings.TrimSpace(notice.Fold(line[:i])) != label {
		return "", false
	}
	return strings.TrimSpace(line[i+1:]), true
}

// isLabel tells whether a line opens another row of a table of details.
func isLabel(line string) bool {
	k, _, ok := strings.Cut(strings.TrimSpace(line), ":")
	return ok && len(k) < 30 && len(k) > 2 && k[0] >= 'A' && k[0] <= 'Z' && notice.CodeAt(k) < 0 && strings.Count(k, " ") <= 3
}
