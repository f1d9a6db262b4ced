package status

// FindEnhanced finds the first enhanced status code of s at or after from and
// returns its bounds, or ok false. It takes no part of an IP address, version,
// date or longer number for one, and class 2 only where the text begins
// with it.
func FindEnhanced[T string | []byte](s T, from int) (start, end int, ok bool) {
	for i := from; i+4 < len(s); i++ {
		if next := s[i+3]; next != '.' && !digit(next) { // no code reaches over it
			i += 3
			continue
		}
		if s[i+1] != '.' || s[i] != '4' && s[i] != '5' && (s[i] != '2' || i != 0) {
			continue
		}
		if i > 0 && (digit(s[i-1]) || letter(s[i-1]) || s[i-1] == '.' || s[i-1] == '_' || s[i-1] >= 0x80) {
			continue
		}
		j := i + 2
		// The registry's subjects are 0 to 7: 4.94.2 is a version of Exim.
		if s[j] < '0' || s[j] > '7' || s[j+1] != '.' {
			continue
		}
		j += 2
		for end = j; end < len(s) && end < j+3 && digit(s[end]); end++ {
		}
		if end == j || end < len(s) && (digit(s[end]) || letter(s[end])) {
			continue
		}
		if end+1 < len(s) && (s[end] == '.' || s[end] == '-' || s[end] == '/') && digit(s[end+1]) {
			continue
		}
		if versioned(s, i) {
			continue
		}
		return i, end, true
	}
	return 0, 0, false
}

// versioned reports whether the word before i names a version.
func versioned[T string | []byte](s T, i int) bool {
	const v = "version "
	if i < len(v) {
		return false
	}
	for k := range len(v) {
		if s[i-len(v)+k]|0x20 != v[k] {
			return false
		}
	}
	return true
}

// FindReply finds the first three-digit reply code of s at or after from: a
// number of class 2, 4 or 5 with a second digit up to 5 (RFC 5321 §4.2.1) that
// stands alone and is followed by an enhanced code, a dash or a word. Codes
// outside RFC 5321 (460, 541, 571) count only where the text, or a quoted
// reply in it, begins with them. It takes no date, address, port, size, count
// or identifier for a code.
func FindReply[T string | []byte](s T, from int) (code, start, end int, ok bool) {
	for i := from; i+2 < len(s); i++ {
		if !digit(s[i+2]) { // no code reaches over it
			i += 2
			continue
		}
		c := s[i]
		if c != '2' && c != '4' && c != '5' || !digit(s[i+1]) {
			continue
		}
		end = i + 3
		if end < len(s) && (digit(s[end]) || letter(s[end]) && !(i == from || s[i-1] == ' ') || s[end] == '@' || s[end] == '_') || i > from && !opens(s[i-1]) {
			i += 2
			continue
		}
		code = int(c-'0')*100 + int(s[i+1]-'0')*10 + int(s[i+2]-'0')
		head := i == from || s[i-1] != ' ' || i-2 >= from && opensReply(s[i-2])
		if !head && !plausible(code) || c == '2' && i != from || !follows(s, end) {
			i += 2
			continue
		}
		if !head && (counted(s, from, i) || end < len(s) && s[end] == ' ' && unit(s, end+1)) {
			i += 2
			continue
		}
		return code, i, end, true
	}
	return 0, 0, 0, false
}

// plausible reports whether RFC 5321 or its kin define the code, or could.
func plausible(code int) bool {
	_, known := replies[code]
	return known || code/10%10 <= 5 && code%10 <= 9 && code/10%10 != 1
}

// opens reports whether a code may stand right after c.
func opens(c byte) bool {
	switch c {
	case ' ', ':', ';', '>', '\'', '"', '(', '[', '<', '#', '=', '|', ',', '\n', '\r', '\t':
		return true
	}
	return false
}

// opensReply reports whether c ends what introduces a quoted reply.
func opensReply(c byte) bool {
	switch c {
	case ':', ';', '>', '\'', '"', '|':
		return true
	}
	return false
}

// follows reports whether what stands at i can follow a reply code: the end, a
// blank, a dash or a closing mark.
func follows[T string | []byte](s T, i int) bool {
	if i == len(s) {
		return true
	}
	switch s[i] {
	case ' ', '-', ',', ';', ')', '\'', '"', '#', '\n', '\r', '\t', '<':
		return true
	case '.', ':':
		return i+1 == len(s) || !digit(s[i+1])
	}
	return letter(s[i])
}

// unit reports whether the word at i counts or measures.
func unit[T string | []byte](s T, i int) bool {
	var word [12]byte
	n := 0
	for ; i < len(s) && n < len(word); i++ {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if !letter(c) && c != '%' {
			break
		}
		word[n] = c
		n++
	}
	switch string(word[:n]) {
	case "kb", "mb", "gb", "kib", "mib", "bytes", "byte", "kbytes", "seconds", "secs", "sec", "minutes", "min", "hours",
		"hour", "days", "day", "messages", "message", "recipients", "connections", "attempts", "times", "emails",
		"users", "lines", "characters", "octets", "per", "of", "percent", "%", "retries":
		return true
	}
	return false
}

// counted reports whether the word before i makes a number of what follows.
func counted[T string | []byte](s T, from, i int) bool {
	for _, w := range counters {
		if at := i - 1 - len(w); at >= from && hasWord(s, at, w) && (at == from || !letter(s[at-1])) {
			return true
		}
	}
	return false
}

var counters = [...]string{
	"after", "over", "than", "port", "limit", "of", "for", "in", "size", "is", "exceeds", "line", "id", "max",
	"maximum", "least", "to", "bl", "score", "uid", "pid", "ref", "ticket", "case", "until", "at",
}

func hasWord[T string | []byte](s T, i int, w string) bool {
	if i+len(w) > len(s) {
		return false
	}
	for k := range len(w) {
		c := s[i+k]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != w[k] {
			return false
		}
	}
	return i+len(w) == len(s) || !letter(s[i+len(w)]) && !digit(s[i+len(w)])
}

func digit(c byte) bool  { return '0' <= c && c <= '9' }
func letter(c byte) bool { c |= 0x20; return 'a' <= c && c <= 'z' }
