package notice

import (
	"strings"

	"harvester/parse/match"
)

// replyLimit bounds what is kept of one reply, in bytes.
const replyLimit = 2 << 10

// maxText bounds what is read of a text, in bytes: ten thousand recipients with
// a short reply each.
const maxText = 1 << 20

// MaxFailures bounds the recipients that one text may name.
const MaxFailures = 10_000

// Lines splits text at LF and drops trailing blanks; leading ones tell many
// layouts apart and stay.
func Lines(text string) []string {
	out := strings.Split(text, "\n")
	for i := range out {
		out[i] = strings.TrimRight(out[i], " \t\r")
	}
	return out
}

// Indent counts the leading blanks of a line; a TAB counts as one.
func Indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// AppendLine appends line to a reply with one blank between, within replyLimit.
func AppendLine(reply, line string) string {
	line = strings.TrimSpace(line)
	switch {
	case line == "" || len(reply) > replyLimit:
		return reply
	case reply == "":
		return line
	}
	return reply + " " + line
}

// Block joins the lines from i on until a blank line or until stop, and
// returns the index of the line that ended it.
func Block(ls []string, i int, stop func(line string) bool) (reply string, end int) {
	for ; i < len(ls) && ls[i] != "" && (stop == nil || !stop(ls[i])); i++ {
		reply = AppendLine(reply, ls[i])
	}
	return reply, i
}

// SkipBlank returns the index of the first line from i on that is not blank.
func SkipBlank(ls []string, i int) int {
	for i < len(ls) && ls[i] == "" {
		i++
	}
	return i
}

// After returns the index of the line behind the first that holds the folded
// phrase, or -1.
func After(ls []string, phrase string) int {
	for i, l := range ls {
		if Contains(l, phrase) {
			return i + 1
		}
	}
	return -1
}

// Contains tells whether the folded phrase stands in s.
func Contains(s, phrase string) bool {
	if len(s) < len(phrase)/2 {
		return false
	}
	return strings.Contains(Fold(s), phrase)
}

func Fold(s string) string { return string(match.Fold(make([]byte, 0, len(s)), s)) }

// Remote finds the host that a reply quotes: `host H[ip] said:`, `host H [ip]`,
// `H [ip] did not like`, `... while talking to H.:`.
func Remote(reply string) string {
	for _, intro := range [...]string{"host ", "connect to ", "connection with ", "conversation with ", "talking to ", "communicating with "} {
		i := strings.Index(reply, intro)
		if i < 0 || i > 0 && reply[i-1] != ' ' && reply[i-1] != '(' {
			continue
		}
		rest := strings.TrimLeft(reply[i+len(intro):], "<")
		end := strings.IndexAny(rest, " [(>:,")
		if end < 0 {
			end = len(rest)
		}
		if h := strings.TrimRight(rest[:end], "."); strings.Contains(h, ".") {
			return h
		}
	}
	return ""
}
