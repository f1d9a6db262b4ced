package view

import (
	"strings"

	"harvester/parse/mime"
)

// whole drops the last word of a text that the end of the mail ends within a
// line, where it holds an address: what a cut leaves of one is another
// address. It is believed where it also stands in the header or above, as in
// complete mails whose last line has no end.
func whole(text string, h mime.Header) string {
	if strings.HasSuffix(text, "\n") {
		return text
	}
	start := strings.LastIndexAny(text, " \t\n") + 1
	at := strings.LastIndexByte(text[start:], '@')
	if at < 0 && strings.Contains(text[start:], "&") {
		return text[:start] // an at sign may hide in an entity of HTML
	}
	if at < 0 {
		return text
	}
	from := start + strings.LastIndexAny(text[start:start+at], "<>\"'`()[]{}:;,=|") + 1
	addr := text[from:]
	if strings.ContainsAny(addr, "<>()[]{}:;,\"'=|") || stands(text[:start], addr) {
		return text // the address ends before the text does, or stands above
	}
	for i := range h {
		if stands(h[i].Value, addr) {
			return text
		}
	}
	return text[:start]
}

// stands tells whether addr stands in s, and not as the beginning of another
// address.
func stands(s, addr string) bool {
	for {
		i := strings.Index(s, addr)
		if i < 0 {
			return false
		}
		if s = s[i+len(addr):]; s == "" || strings.IndexByte(" \t\n<>()[]{}:;,\"'", s[0]) >= 0 {
			return true
		}
	}
}
