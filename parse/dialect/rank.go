package dialect

import "strings"

func rankLine(line, t string, heading bool, own func(string) bool) candidate {
	if addr, rest, ok := opens(t); ok {
		if rest == "" && !strings.HasSuffix(t, ":") {
			return candidate{addr: addr, rank: rankAlone}
		}
		return candidate{addr: addr, rest: rest, rank: rankOpens}
	}
	if addr, ok := bare(t); ok {
		switch {
		case heading:
			return candidate{addr: addr, rank: rankListed}
		case strings.HasPrefix(t, "<") || indent(line) > 0 || strings.HasSuffix(t, ":"):
			return candidate{addr: addr, rank: rankAlone}
		}
		return candidate{addr: addr, rank: rankReason}
	}
	addr, start, end := findAddress(t)
	if addr == "" {
		return candidate{}
	}
	before := strings.TrimRight(t[:start], "<[('\" \t")
	rest := strings.TrimLeft(t[end:], ">])'\",;")
	label := ""
	if strings.HasSuffix(before, ":") || strings.HasSuffix(before, "=") || strings.HasPrefix(t[len(before):], "\t") {
		label = strings.Trim(fold(before), " *-•=:")
	}
	if labels()[label] {
		return candidate{addr: addr, rest: rest, rank: rankLabelled}
	}
	if before == "" || listMark(before) {
		r := strings.TrimSpace(rest)
		if strings.HasPrefix(r, ":") || strings.HasPrefix(r, "(") || strings.HasPrefix(r, "[") || strings.HasPrefix(r, "|") || strings.HasPrefix(r, "- ") || strings.HasPrefix(r, "...") || code(r) >= 0 {
			return candidate{addr: addr, rest: strings.TrimLeft(r, ":.| "), rank: rankReason}
		}
	}
	if senders()[label] || contact(addr) {
		return candidate{}
	}
	if again, from, to := findAddress(t[end:]); again != "" && !strings.EqualFold(again, addr) {
		if !own(addr) { // of two, either could be meant
			return failingSentence(t)
		}
		addr, start, end, label = again, end+from, end+to, ""
		before = strings.TrimRight(t[:start], "<[('\" \t")
	}
	if sentBy(before) {
		return candidate{}
	}
	at := strings.LastIndex(t[:start], ". ") + 1
	to := len(t)
	if i := strings.Index(t[end:], ". "); i >= 0 {
		to = end + i
	}
	// The address itself may hold such words.
	said := says(t[at:start] + t[end:to])
	return candidate{addr: addr, rest: t, rank: rankSentence, asks: said&(wordContact|wordFailure) == wordContact, named: label != "" && said&(wordFailure|wordList|wordMail) == 0}
}

// sentBy tells whether the words before an address make it a sender's.
func sentBy(before string) bool {
	w := strings.Fields(before[max(0, len(before)-40):])
	if len(w) == 0 {
		return false
	}
	switch strings.ToLower(w[len(w)-1]) {
	case "from", "von", "от":
		return true
	case "by":
		return len(w) > 1 && strings.EqualFold(w[len(w)-2], "sent")
	}
	return false
}

// failingSentence reads a line of several sentences, one of which names who
// failed, while others name somebody to write to.
func failingSentence(t string) (found candidate) {
	for _, s := range strings.SplitAfter(t, ". ") {
		addr, _, end := findAddress(s)
		if addr == "" {
			continue
		}
		w := says(s)
		if again, _, _ := findAddress(s[end:]); again != "" && !strings.EqualFold(again, addr) || w&(wordFailure|wordContact) == 0 || w&wordFailure != 0 && found.addr != "" {
			return candidate{}
		}
		if w&wordContact == 0 {
			found = candidate{addr: addr, rest: t, rank: rankSentence}
		}
	}
	return found
}

// listMark tells whether s is what a list puts before its items: "*", "2.", "3)".
func listMark(s string) bool {
	switch s {
	case "*", "-", "•", "·", "–", "|":
		return true
	}
	n := strings.TrimRight(s, ".)")
	return len(n) < len(s) && len(n) < 4 && strings.Trim(n, "0123456789") == ""
}

// opens reads `<addr>: reason`, `<addr>:` and `<addr>` at the begin of a line.
func opens(line string) (addr, rest string, ok bool) {
	if !strings.HasPrefix(line, "<") {
		return "", "", false
	}
	addr, n := scanAddress(line[1:])
	if n == 0 || !strings.HasPrefix(line[1+n:], ">") {
		return "", "", false
	}
	tail := strings.TrimSpace(line[n+2:])
	if tail == "" {
		return addr, "", true
	}
	if rest, ok := strings.CutPrefix(tail, ":"); ok {
		return addr, strings.TrimSpace(rest), true
	}
	return "", "", false
}
