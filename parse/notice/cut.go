package notice

import (
	"strings"

	"harvester/parse/match"
)

// separators begin the line behind which the returned mail stands, where a
// layout puts it into the text part itself. They are folded.
var separators = [...]string{
	"--- below this line", "--- below the next line", "--- original message follows", "--- the header of the original message",
	"--- enclosed is", "--- this is a copy", "----- this is a copy", "------ this is a copy", "----- original message", "-----original message", "----- message header",
	"----- unsent message follows", "----- unsent message below", "original message headers:", "original message header:", "original message follows", "message headers follow",
	"included is a copy of the message header", "------- returned message", "---- start of returned message", "--------returned mail follows",
	"message text follows:", "|------------------------- message text follows", "-------original m", "--- undelivered message", "--- rejected message", "original text follows", "below is a copy of the original message",
	"--- returned message", "the original message follows", "------ this is a copy of your message", "------- original message", "------- the original message",
	"===== forwarded message", "--- attached message", "--- message header follows", "--- message from ", "original message header follows", "original headers:",
	"the following is a copy of the original", "header of the original message", "===== original message", "[<05>]", "********** original message",
	"your original message", "----- message truncated", "--------- original message", "-- original message --", "-------- original message",
	"ursprungliche nachrichtenkopfzeilen", "ursprungliche nachrichtenkopfe", "en-tetes de message d'origine", "en-tetes du message d'origine", "intestazioni originali del messaggio", "ursprungshuvuden:",
	"oorspronkelijke berichtkoppen", "cabecalhos originais da mensagem", "encabezados de mensaje originales", "encabezados originales del mensaje",
	"元のメッセージ ヘッダー", "原始邮件头", "原始郵件標頭", "원본 메시지 헤더", "оригинальные заголовки сообщения", "исходные заголовки сообщения", "oryginalne naglowki wiadomosci",
	"this is a copy of the message", "the header of the original message is following", "message header:", "--- original header ---",
}

// CutReturned divides a text into what the system wrote and the mail that it returned
// in the same part.
func CutReturned(text string) (head, returned string) {
	text = text[:min(len(text), maxText)]
	pos, prevBlank := 0, true
	for pos < len(text) {
		end := strings.IndexByte(text[pos:], '\n')
		if end < 0 {
			end = len(text)
		} else {
			end += pos
		}
		line := strings.TrimSpace(text[pos:end])
		next := min(end+1, len(text))
		if isSeparator(line) {
			return text[:pos], text[next:]
		}
		if prevBlank && pos > 0 && beginsHeader(text[pos:]) {
			return text[:pos], text[pos:]
		}
		if isRule(line) && beginsHeader(strings.TrimLeft(text[next:], "\n")) {
			return text[:pos], strings.TrimLeft(text[next:], "\n")
		}
		prevBlank = line == ""
		pos = next
	}
	return text, ""
}

func isSeparator(line string) bool {
	if len(line) < 6 || len(line) > 160 {
		return false
	}
	switch c := line[0] | 0x20; {
	case c == '-' || c == '=' || c == '*' || c == '[' || c == '|' || c >= 0x80, line[0] == '-', line[0] == '=', line[0] == '*', line[0] == '[':
	case strings.IndexByte("oimbutescn", c) >= 0:
	case strings.HasPrefix(line, "-"):
	default:
		return false
	}
	if !mayseparate(line) {
		return false
	}
	var buf [192]byte // this is asked for every line: nothing is allocated
	folded := match.Fold(buf[:0], line)
	if len(folded) > 0 && folded[0] == '-' { // any number of hyphens, with or without a blank
		rest := strings.TrimLeft(string(folded), "- ")
		for _, s := range separators {
			if s[0] == '-' && strings.HasPrefix(rest, strings.TrimLeft(s, "- ")) {
				return true
			}
		}
		return false
	}
	for _, s := range separators {
		if len(folded) >= len(s) && string(folded[:len(s)]) == s {
			return true
		}
	}
	return false
}

// mayseparate tells from its first two letters whether line can begin like a
// separator, which spares folding nearly every line of prose.
func mayseparate(line string) bool {
	a, b := line[0]|0x20, line[1]|0x20
	if a < 'a' || a > 'z' || b < 'a' || b > 'z' {
		return true
	}
	for _, s := range separators {
		if s[0] == a && s[1] == b {
			return true
		}
	}
	return false
}

// beginsHeader tells whether a returned mail begins here: a trace field that
// nobody writes in prose.
func beginsHeader(s string) bool {
	for _, f := range [...]string{"Received: from ", "Received: by ", "Received: (", "Return-Path: <", "Return-path: <"} {
		if strings.HasPrefix(s, f) {
			return true
		}
	}
	return false
}

// isRule tells whether a line is drawn with 20 or more equal characters.
func isRule(line string) bool {
	if len(line) < 20 || line[0] != '-' && line[0] != '=' && line[0] != '_' && line[0] != '*' {
		return false
	}
	return strings.Trim(line, line[:1]) == ""
}
