package generic

import (
	"strings"

	"harvester/parse/notice"
)

// rankLine reads a line in which an address has a place of its own.
func rankLine(line, t string, heading bool) notice.Mention {
	if addr, rest, ok := notice.OpensWithAddress(t); ok {
		if rest == "" && !strings.HasSuffix(t, ":") {
			return notice.Mention{Addr: addr, Rank: notice.RankAlone}
		}
		return notice.Mention{Addr: addr, Rest: rest, Rank: notice.RankOpens}
	}
	if addr, ok := notice.BareAddress(t); ok {
		if !heading && (strings.HasPrefix(t, "<") || notice.Indent(line) > 0 || strings.HasSuffix(t, ":")) {
			return notice.Mention{Addr: addr, Rank: notice.RankAlone}
		}
		return ofList(addr, heading)
	}
	addr, start, end := notice.FindAddress(t)
	if addr == "" {
		return notice.Mention{}
	}
	before := strings.TrimRight(t[:start], "<[('\" \t")
	rest := strings.TrimLeft(t[end:], ">])'\",;")
	label := ""
	if strings.HasSuffix(before, ":") || strings.HasSuffix(before, "=") || strings.HasPrefix(t[len(before):], "\t") {
		label = notice.AsLabel(before)
	}
	if notice.Labels()[label] {
		return notice.Mention{Addr: addr, Rest: rest, Rank: notice.RankLabelled}
	}
	if rest == "" && listMark(before) {
		return ofList(addr, heading)
	}
	if before == "" || listMark(before) {
		r := strings.TrimSpace(rest)
		if heading && strings.HasPrefix(r, "is not ") { // AOL: "addr is not a known user"
			return notice.Mention{Addr: addr, Rest: r, Rank: notice.RankReason}
		}
		if strings.HasPrefix(r, ":") || strings.HasPrefix(r, "(") || strings.HasPrefix(r, "[") || strings.HasPrefix(r, "|") || strings.HasPrefix(r, "- ") || strings.HasPrefix(r, "...") || notice.CodeAt(r) >= 0 {
			return notice.Mention{Addr: addr, Rest: strings.TrimLeft(r, ":.| "), Rank: notice.RankReason}
		}
	}
	return notice.Mention{}
}

// ofList is an address that is all its line holds: an item of a list where one
// was headed.
func ofList(addr string, heading bool) notice.Mention {
	if heading {
		return notice.Mention{Addr: addr, Rank: notice.RankListed}
	}
	return notice.Mention{Addr: addr, Rank: notice.RankReason}
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
