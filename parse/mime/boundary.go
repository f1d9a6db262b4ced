package mime

import (
	"bytes"
	"strings"
)

// maxBoundary is more than RFC 2046 §5.1.1 allows (70).
const maxBoundary = 250

// split cuts the body of a multipart into its parts.
func (r *reader) split(p *Part) {
	boundary := p.Param("boundary")
	if boundary != "" && len(boundary) <= maxBoundary && r.cut(p, boundary) {
		return
	}
	if boundary = guessBoundary(p.body, true); boundary == "" {
		p.open = true
		r.addNote("multipart without its boundary read as text")
		return
	}
	r.addNote("boundary of the body differs from the header")
	r.cut(p, boundary)
}

// splitUndeclared cuts a body whose header lost its Content-Type.
func (r *reader) splitUndeclared(p *Part) {
	head := p.body[:min(len(p.body), 4096)]
	boundary := guessBoundary(head, false)
	if boundary == "" {
		return
	}
	// Below a longer text, or one that a field in the text declares, it is that
	// of a mail returned there.
	above, _, _ := bytes.Cut(head, []byte(boundary))
	if !bytes.HasSuffix(above, []byte("--")) || bytes.Count(bytes.TrimSpace(above), []byte{'\n'}) > 3 {
		return
	}
	r.addNote("multipart without Content-Type")
	p.Type = "multipart/mixed"
	r.cut(p, boundary)
}

// cut makes a part of each stretch between two delimiters. It does not stop at
// the closing one, since list footers and Haraka write parts behind it. It is
// false when no delimiter stands in the body.
func (r *reader) cut(p *Part, boundary string) bool {
	def := "text/plain"
	if p.Type == "multipart/digest" {
		def = "message/rfc822"
	}
	delim := []byte("--" + boundary)
	body := p.body
	inside, closed, any := false, false, false
	for {
		at, next, last, found := delimiter(body, delim)
		if !found && !any {
			return false
		}
		any = true
		content := body
		if found {
			content = trimLineEnd(body[:at])
		}
		if inside && (found || len(bytes.TrimSpace(content[:min(len(content), 1024)])) > 0) && len(content) > 0 {
			if !r.room(p.Depth) {
				return true
			}
			if p.Children == nil {
				p.Children = make([]*Part, 0, 3) // of multipart/report
			}
			child := r.entity(content, p.Depth+1, def)
			child.cut = !found
			p.Children = append(p.Children, child)
		}
		if !found {
			break
		}
		inside, closed = !last, closed || last
		body = body[next:]
	}
	if p.open = !closed; p.open {
		r.addNote("truncated: closing boundary missing")
	}
	return true
}

// trimLineEnd drops the line end that belongs to the delimiter after it.
func trimLineEnd(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
	}
	return trimCR(b)
}

// delimiter finds the first line that is delim alone, or delim and "--". at is
// where it begins, next where the following line does.
func delimiter(body, delim []byte) (at, next int, last, ok bool) {
	for from := 0; ; {
		i := bytes.Index(body[from:], delim)
		if i < 0 {
			return 0, 0, false, false
		}
		at = from + i
		from = at + len(delim)
		if at > 0 && body[at-1] != '\n' {
			continue
		}
		rest := body[from:]
		if bytes.HasPrefix(rest, []byte("--")) {
			rest, last = rest[2:], true
		} else {
			last = false
		}
		n := 0
		for n < len(rest) && (rest[n] == ' ' || rest[n] == '\t' || rest[n] == '\r') {
			n++
		}
		if n == len(rest) {
			return at, len(body), last, true
		}
		if rest[n] == '\n' {
			return at, len(body) - len(rest) + n + 1, last, true
		}
	}
}

func present(body []byte, boundary string) bool {
	_, _, _, ok := delimiter(body, []byte("--"+boundary))
	return ok
}

// guessBoundary finds the delimiter that a body uses whatever its header says:
// the first line `--x` before a Content- field or, where recurring is enough,
// one that comes again.
func guessBoundary(body []byte, recurring bool) string {
	rest := body
	for tries := 0; tries < 16; {
		if !bytes.HasPrefix(rest, []byte("--")) {
			i := bytes.Index(rest, []byte("\n--"))
			if i < 0 {
				return ""
			}
			rest = rest[i+1:]
		}
		var line []byte
		line, rest = cutLine(rest)
		line = bytes.TrimRight(line[2:], " \t")
		if len(line) == 0 || len(line) > maxBoundary || len(bytes.Trim(line, "-=_")) == 0 {
			continue
		}
		tries++
		if len(rest) >= 8 && strings.EqualFold(string(rest[:8]), "content-") {
			return string(line)
		}
		if recurring && bytes.IndexByte(line, ' ') < 0 && present(rest, string(line)) {
			return string(line)
		}
	}
	return ""
}
