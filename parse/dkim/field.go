package dkim

import (
	"bytes"
	"strings"
)

// field is one header field as it stands: lines joined by CRLF, whatever the
// line ends of the mail are, without the last one.
type field struct {
	name string // in lower case
	raw  string // name, colon, value
	at   int    // where the value begins in raw
}

// maxFields is how many fields of a header are looked at.
const maxFields = 2000

// fields takes a header block apart. It ends at the first empty line. Lines
// that are no fields are passed over (mbox "From " lines among them).
func fields(header []byte) (out []field) {
	out = make([]field, 0, 32) // most headers have less
	var lines []string         // of the last field
	open := false              // it may go on
	done := func() {
		if len(lines) > 1 {
			out[len(out)-1].raw = strings.Join(lines, "\r\n")
		}
		lines = lines[:0]
	}
	defer done()
	for len(header) > 0 && len(out) < maxFields {
		var line []byte
		line, header, _ = bytes.Cut(header, []byte{'\n'})
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if len(line) == 0 {
			if len(out) == 0 && !open {
				continue // above the first field
			}
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if open {
				lines = append(lines, string(line))
			}
			continue
		}
		done()
		colon := bytes.IndexByte(line, ':')
		name := bytes.TrimRight(line[:max(colon, 0)], " \t")
		if open = len(name) > 0 && bytes.IndexFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0; open {
			out = append(out, field{name: strings.ToLower(string(name)), raw: string(line), at: colon + 1})
			lines = append(lines, out[len(out)-1].raw)
		}
	}
	return out
}

// relaxed is the relaxed canonical form of a value (§3.4.2): one line, blanks
// and TABs one blank, none at the ends.
func relaxed(value string) string {
	var b strings.Builder
	b.Grow(len(value))
	blank := false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == ' ' || c == '\t':
			blank = true
		case c == '\r' && i+1 < len(value) && value[i+1] == '\n':
			i++ // a fold; the blank behind it stays
		default:
			if blank && b.Len() > 0 {
				b.WriteByte(' ')
			}
			blank = false
			b.WriteByte(c)
		}
	}
	return b.String()
}

// canonical is the form of f that is hashed, without the line end behind it.
func (f field) canonical(simple bool) string {
	if simple {
		return f.raw
	}
	return f.name + ":" + relaxed(f.raw[f.at:])
}

// unsigned is f, a signature, with its b= empty (§3.7).
func (f field) unsigned() field {
	value := f.raw[f.at:]
	for at := 0; at < len(value); {
		end := len(value)
		if i := strings.IndexByte(value[at:], ';'); i >= 0 {
			end = at + i
		}
		name, _, ok := strings.Cut(value[at:end], "=")
		if ok && strings.Trim(name, " \t\r\n") == "b" {
			f.raw = f.raw[:f.at] + value[:at+len(name)+1] + value[end:]
			break
		}
		at = end + 1
	}
	return f
}
