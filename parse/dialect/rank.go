package dialect

import "strings"

// rankLine reads a line in which an address has a place of its own.
func rankLine(line, t string, heading bool) candidate {
	if addr, rest, ok := opensWithAddress(t); ok {
		if rest == "" && !strings.HasSuffix(t, ":") {
			return candidate{addr: addr, rank: rankAlone}
		}
		return candidate{addr: addr, rest: rest, rank: rankOpens}
	}
	if addr, ok := bareAddress(t); ok {
		if !heading && (strings.HasPrefix(t, "<") || indent(line) > 0 || strings.HasSuffix(t, ":")) {
			return candidate{addr: addr, rank: rankAlone}
		}
		return ofList(addr, heading)
	}
	addr, start, end := findAddress(t)
	if addr == "" {
		return candidate{}
	}
	before := strings.TrimRight(t[:start], "<[('\" \t")
	rest := strings.TrimLeft(t[end:], ">])'\",;")
	label := ""
	if strings.HasSuffix(before, ":") || strings.HasSuffix(before, "=") || strings.HasPrefix(t[len(before):], "\t") {
		label = asLabel(before)
	}
	if labels()[label] {
		return candidate{addr: addr, rest: rest, rank: rankLabelled}
	}
	if rest == "" && listMark(before) {
		return ofList(addr, heading)
	}
	if before == "" || listMark(before) {
		r := strings.TrimSpace(rest)
		if heading && strings.HasPrefix(r, "is not ") { // AOL: "addr is not a known user"
			return candidate{addr: addr, rest: r, rank: rankReason}
		}
		if strings.HasPrefix(r, ":") || strings.HasPrefix(r, "(") || strings.HasPrefix(r, "[") || strings.HasPrefix(r, "|") || strings.HasPrefix(r, "- ") || strings.HasPrefix(r, "...") || codeAt(r) >= 0 {
			return candidate{addr: addr, rest: strings.TrimLeft(r, ":.| "), rank: rankReason}
		}
	}
	return candidate{}
}

// ofList is an address that is all its line holds: an item of a list where one
// was headed.
func ofList(addr string, heading bool) candidate {
	if heading {
		return candidate{addr: addr, rank: rankListed}
	}
	return candidate{addr: addr, rank: rankReason}
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

// opensWithAddress reads `<addr>: reason`, `<addr>:` and `<addr>` at the begin of a line.
func opensWithAddress(line string) (addr, rest string, ok bool) {
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
