package dialect

import (
	"strings"

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
		Read: func(m *view.Mail) *Notice {
			head, returned := cutReturned(m.Text)
			ls := lines(head)
			n := &Notice{Kind: kindOf(m, head), Returned: returned}
			reply, remoteMTA := office365Reply(ls)
			for _, a := range office365Recipients(ls) {
				n.Failures = append(n.Failures, Failure{Address: a, Reply: reply, Remote: remoteMTA})
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
				v = ls[skipBlank(ls, i+1)%len(ls)]
			}
			if a, _, _ := findAddress(v); a != "" {
				return []string{a}
			}
		}
	}
	var out []string
	for i, l := range ls {
		f := fold(l)
		if strings.Contains(f, "couldn't deliver the message to the following recipients") {
			list, end := block(ls, i, nil)
			if a, _, _ := findAddress(list); a == "" {
				list, _ = block(ls, skipBlank(ls, end), nil)
			}
			for {
				a, _, end := findAddress(list)
				if a == "" {
					return out
				}
				out = append(out, a)
				list = list[end:]
			}
		}
		if strings.Contains(f, "your message to") {
			p, _ := block(ls, i, nil)
			if a, _, _ := findAddress(p); a != "" {
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
					reply = appendLine(reply, ls[j])
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
				host = hostWord(v)
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
	if i < 0 || i > 2*len(label)+8 || strings.TrimSpace(fold(line[:i])) != label {
		return "", false
	}
	return strings.TrimSpace(line[i+1:]), true
}

// isLabel tells whether a line opens another row of a table of details.
func isLabel(line string) bool {
	k, _, ok := strings.Cut(strings.TrimSpace(line), ":")
	return ok && len(k) < 30 && len(k) > 2 && k[0] >= 'A' && k[0] <= 'Z' && codeAt(k) < 0 && strings.Count(k, " ") <= 3
}
