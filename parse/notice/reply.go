package notice

import "strings"

// Refusal tells whether text quotes an SMTP reply with words of failure or an
// enhanced status code: a telephone number can look like a reply code, too.
func Refusal(text string) bool {
	for l := range strings.Lines(text) {
		if at := CodeAt(l); at >= 0 && (Failing(l[at:]) || CodeAt(l[at:][min(len(l)-at, 4):]) == 0) {
			return true
		}
	}
	return false
}

// Coded tells whether a reply code stands in one of the lines.
func Coded(ls []string) bool {
	for _, l := range ls {
		if CodeAt(l) >= 0 {
			return true
		}
	}
	return false
}

// ReplyAt returns the reply that belongs to c: from the first SMTP code behind
// the address, else the words behind it, else the paragraph it stands in.
func ReplyAt(ls []string, c Mention, end int) string {
	if c.Rank == RankOpens && c.Rest != "" || c.Rank == RankReason && CodeAt(c.Rest) >= 0 {
		reply := c.Rest
		for i := c.Line + 1; i < end && ls[i] != "" && !ofSender(ls[i]); i++ {
			reply = AppendLine(reply, ls[i])
		}
		return reply
	}
	for i := c.Line; i < end; i++ {
		from := 0
		if i == c.Line {
			from = max(0, len(ls[i])-len(c.Rest))
		}
		at := CodeAt(ls[i][from:])
		if at < 0 {
			continue
		}
		reply := ""
		for j := i; j < end && (ls[j] != "" && !ofSender(ls[j]) || j == i); j++ {
			l := ls[j]
			if j == i {
				// The words before the code on its line belong to it: "host said: 550".
				l = ls[i]
				if i == c.Line {
					l = ls[i][from:]
				}
			}
			reply = AppendLine(reply, l)
		}
		return reply
	}
	reply := c.Rest
	i := c.Line + 1
	if strings.TrimSpace(reply) == "" {
		i = SkipBlank(ls, i)
	}
	for ; i < end && ls[i] != ""; i++ {
		if ofSubject(ls[i]) { // of the returned mail
			return reply
		}
		reply = AppendLine(reply, ls[i])
	}
	if strings.HasSuffix(reply, ":") && i < end && !strings.ContainsAny(reply, ".") { // "because:" heads what is said
		if below, _ := Block(ls[:end], SkipBlank(ls[:end], i), nil); below != "" {
			reply = AppendLine(reply, below)
		}
	}
	if c.Rank == RankSentence || reply == "" {
		reply = paragraph(ls, c.Line)
		if more, _ := Block(ls[:end], SkipBlank(ls[:end], NextBlank(ls[:end], c.Line)), nil); more != "" {
			reply = AppendLine(reply, more)
		}
	}
	return reply
}

func NextBlank(ls []string, i int) int {
	for most := i + paragraphLines; i < len(ls) && ls[i] != "" && i < most; {
		i++
	}
	return i
}

// paragraphLines is how many lines of a paragraph are looked at: notices have
// short ones, and each recipient of a long list would look at all of it.
const paragraphLines = 12

// paragraph joins the lines around i up to the blank lines.
func paragraph(ls []string, i int) string {
	for least := i - paragraphLines; i > 0 && ls[i-1] != "" && i > least; {
		i--
	}
	p, _ := Block(ls[:min(len(ls), i+paragraphLines)], i, nil)
	return p
}

// CodeAt returns where an SMTP reply (RFC 5321 §4.2) or an enhanced status code
// (RFC 3463) of class 4 or 5 begins in s, or -1.
func CodeAt(s string) int {
	for i := 0; i+2 < len(s); i++ {
		if s[i] != '4' && s[i] != '5' || i > 0 && (isDomain(s[i-1]) || s[i-1] == '.' || s[i-1] == '-' || s[i-1] == ':' && i > 1 && s[i-2] >= '0' && s[i-2] <= '9') {
			continue
		}
		if digit(s[i+1]) && digit(s[i+2]) && s[i+1] <= '9' {
			if i+3 == len(s) || (s[i+3] == ' ' || s[i+3] == '\t') && !isAmount(s[i+4:]) || s[i+3] == '-' && i+4 < len(s) && !digit(s[i+4]) || s[i+3] == '-' && i+5 < len(s) && s[i+5] == '.' {
				return i
			}
			continue
		}
		if s[i+1] == '.' && digit(s[i+2]) {
			j := i + 2
			for j < len(s) && j < i+5 && digit(s[j]) {
				j++
			}
			if j+1 < len(s) && s[j] == '.' && digit(s[j+1]) {
				k := j + 1
				for k < len(s) && k < j+4 && digit(s[k]) {
					k++
				}
				if k == len(s) || !digit(s[k]) && (s[k] != '.' || k+1 == len(s) || !digit(s[k+1])) {
					return i
				}
			}
		}
	}
	return -1
}

// isAmount tells whether a number is an amount rather than a reply code.
func isAmount(s string) bool {
	for _, u := range [...]string{"bytes", "KB", "MB", "kB", "seconds", "minutes", "hours", "days", "messages", "recipients"} {
		if strings.HasPrefix(s, u) {
			return true
		}
	}
	return false
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
