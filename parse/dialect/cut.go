package dialect

import "strings"

// separators begin the line behind which the returned mail stands, where a
// layout puts it into the text part itself. They are folded.
var separators = [...]string{
	"--- below this line", "--- below the next line", "--- original message follows", "--- the header of the original message",
	"--- enclosed is", "--- this is a copy", "----- this is a copy", "------ this is a copy", "----- original message", "-----original message", "----- message header",
	"----- unsent message follows", "----- unsent message below", "original message headers:", "original message header:", "original message follows", "message headers follow",
	"included is a copy of the message header", "------- returned message", "---- start of returned message", "--------returned mail follows",
	"message text follows:", "|------------------------- message text follows", "-------original m", "--- undelivered message", "below is a copy of the original message",
	"--- returned message", "the original message follows", "------ this is a copy of your message", "------- original message", "------- the original message",
	"===== forwarded message", "--- attached message", "--- message header follows", "--- message from ", "original message header follows", "original headers:",
	"the following is a copy of the original", "header of the original message", "===== original message", "[<05>]", "********** original message",
	"your original message", "----- message truncated", "--------- original message", "-- original message --", "-------- original message",
	"ursprungliche nachrichtenkopfzeilen", "ursprungliche nachrichtenkopfe", "en-tetes de message d'origine", "en-tetes du message d'origine", "intestazioni originali del messaggio", "ursprungshuvuden:",
	"oorspronkelijke berichtkoppen", "cabecalhos originais da mensagem", "encabezados de mensaje originales", "encabezados originales del mensaje",
	"元のメッセージ ヘッダー", "原始邮件头", "原始郵件標頭", "원본 메시지 헤더", "оригинальные заголовки сообщения", "исходные заголовки сообщения", "oryginalne naglowki wiadomosci",
	"this is a copy of the message", "the header of the original message is following", "message header:", "--- original header ---",
}

// cut divides a text into what the system wrote and the mail that it returned
// in the same part.
func cut(text string) (head, returned string) {
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
		if separates(line) {
			return text[:pos], text[next:]
		}
		if prevBlank && pos > 0 && beginsHeader(text[pos:]) {
			return text[:pos], text[pos:]
		}
		if rule(line) && beginsHeader(strings.TrimLeft(text[next:], "\n")) {
			return text[:pos], strings.TrimLeft(text[next:], "\n")
		}
		prevBlank = line == ""
		pos = next
	}
	return text, ""
}

func separates(line string) bool {
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
	folded := fold(line)
	if strings.HasPrefix(folded, "-") { // any number of hyphens, with or without a blank
		rest := strings.TrimLeft(folded, "- ")
		for _, s := range separators {
			if s[0] == '-' && strings.HasPrefix(rest, strings.TrimLeft(s, "- ")) {
				return true
			}
		}
		return false
	}
	for _, s := range separators {
		if strings.HasPrefix(folded, s) {
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

// rule tells whether a line is drawn with 20 or more equal characters.
func rule(line string) bool {
	if len(line) < 20 || line[0] != '-' && line[0] != '=' && line[0] != '_' && line[0] != '*' {
		return false
	}
	return strings.Trim(line, line[:1]) == ""
}
