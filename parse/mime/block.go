package mime

import (
	"bytes"
	"strings"
)

// cutLine cuts the first line off data, without its line end.
func cutLine(data []byte) (line, rest []byte) {
	i := bytes.IndexByte(data, '\n')
	if i < 0 {
		return trimCR(data), nil
	}
	return trimCR(data[:i]), data[i+1:]
}

func trimCR(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == '\r' {
		b = b[:len(b)-1]
	}
	return b
}

// fieldName returns the length of the field name that line begins with.
// Blanks may stand before the colon (QUIRK: Mimecast writes `Action : failed`).
func fieldName(line []byte) (n int, ok bool) {
	for n < len(line) && line[n] > ' ' && line[n] < 0x7f && line[n] != ':' {
		n++
	}
	if n == 0 || n > 200 {
		return 0, false
	}
	for i := n; i < len(line); i++ {
		switch line[i] {
		case ':':
			return n, true
		case ' ', '\t':
		default:
			return 0, false
		}
	}
	return 0, false
}

// badLines is how many lines in a row that are no fields end a header block
// whose blank line is missing.
const badLines = 5

// extent is where a header block ends, and what was wrong with it.
type extent struct {
	end    int  // of the block
	body   int  // where the body begins
	fields int  // at most that many
	bad    int  // lines that are no fields
	ended  bool // by a blank line or a delimiter
	abrupt bool // by something else than a blank line
}

// measure finds the end of the header block that data begins with: a blank
// line, the delimiter of a boundary that the block names, or text that goes on
// too long to be a slip.
func measure(data []byte, limit int) extent {
	var x extent
	badRun, badStart := 0, 0
	pos := 0
	for pos < len(data) {
		line, rest := cutLine(data[pos:])
		next := len(data) - len(rest)
		if pos > limit { // only the end is of interest now
			if len(line) == 0 {
				x.body, x.ended = next, true
				return x
			}
			pos = next
			continue
		}
		switch {
		case len(line) == 0, isBlank(line) && !continues(rest):
			x.end, x.body, x.ended = pos, next, true
			return x
		case line[0] == ' ' || line[0] == '\t':
			if pos == 0 {
				x.fields++
			}
		default:
			if _, ok := fieldName(line); ok {
				x.fields++
				badRun = 0
				break
			}
			if x.bad < 16 && len(line) > 2 && line[0] == '-' && line[1] == '-' && bytes.Contains(data[:pos], bytes.TrimRight(line[2:], " \t-")) {
				x.end, x.body, x.ended, x.abrupt = pos, pos, true, true
				return x
			}
			x.bad++
			if badRun == 0 {
				badStart = pos
			}
			if badRun++; badRun == badLines {
				x.end, x.body, x.abrupt = badStart, badStart, true
				x.bad -= badRun
				return x
			}
		}
		pos = next
		x.end, x.body = pos, pos
	}
	x.body = len(data)
	return x
}

// trimBlank takes blanks and TABs off both ends.
func trimBlank[T string | []byte](b T) T {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

func isBlank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != 0 {
			return false
		}
	}
	return true
}

// continues tells whether a field or a folded line follows a line of blanks,
// which then was a folded line too (RFC 5322 §4.2).
func continues(rest []byte) bool {
	line, _ := cutLine(rest)
	if len(line) == 0 {
		return false
	}
	if line[0] == ' ' || line[0] == '\t' {
		return !isBlank(line)
	}
	_, ok := fieldName(line)
	return ok
}

// header reads the header block that data begins with.
func (r *reader) header(data []byte) (Header, []byte) {
	x := measure(data, r.lim.HeaderBytes)
	if x.fields == 0 && !x.ended {
		return nil, data
	}
	if x.end > r.lim.HeaderBytes {
		x.end = r.lim.HeaderBytes
		r.addNote("header limit reached, further fields not read")
	}
	if x.bad > 0 {
		r.addNote("header lines without a field name skipped")
	}
	if x.abrupt {
		r.addNote("blank line below the header missing")
	}
	return parseFields(data[:x.end], x.fields), data[x.body:]
}

// partHeader reads the header block of a part of a multipart. A block without
// any MIME field is text that lost its header and its blank line.
// QUIRK: old sendmail and the Microsoft SMTP service write such parts.
func (r *reader) partHeader(data []byte) (Header, []byte) {
	line, rest := cutLine(data)
	if len(line) == 0 {
		return nil, rest
	}
	h, body := r.header(data)
	for i := range h {
		n := h[i].Name
		if len(n) > 8 && strings.EqualFold(n[:8], "content-") || strings.EqualFold(n, "MIME-Version") {
			return h, body
		}
	}
	r.addNote("part without header")
	return nil, data
}

// parseFields reads the fields of one block; n is how many there are at most.
// All values share one buffer.
func parseFields(block []byte, n int) Header {
	if n == 0 {
		return nil
	}
	h := make(Header, 0, n)
	var buf strings.Builder
	buf.Grow(len(block)) // never grows again, so the strings cut from it stay
	start := 0           // of the value being read
	open := false        // a field that a folded line may continue
	done := func() {
		if open {
			h[len(h)-1].Value = trimBlank(buf.String()[start:])
		}
	}
	for len(block) > 0 {
		var line []byte
		line, block = cutLine(block)
		folded := len(line) > 0 && (line[0] == ' ' || line[0] == '\t')
		if folded && open {
			if line = trimBlank(line); len(line) > 0 {
				// The fold had at least one blank, so the buffer has room.
				if buf.Len() > start {
					buf.WriteByte(' ')
				}
				write(&buf, line)
			}
			continue
		}
		if folded {
			line = trimBlank(line)
		}
		nameLen, ok := fieldName(line)
		if !ok {
			// QUIRK: VTEXT and old Outlook forget the blank before `boundary=`.
			if open && strings.HasSuffix(buf.String()[start:], ";") && bytes.IndexByte(line, '=') > 0 {
				write(&buf, line)
				continue
			}
			done()
			open = false
			continue
		}
		done()
		at := buf.Len()
		write(&buf, line[:nameLen])
		name := buf.String()[at:]
		value := line[nameLen:]
		value = trimBlank(value[bytes.IndexByte(value, ':')+1:])
		start, open = buf.Len(), true
		write(&buf, value)
		h = append(h, Field{Name: name})
	}
	done()
	return h
}

// write appends b without NUL bytes.
func write(buf *strings.Builder, b []byte) {
	if bytes.IndexByte(b, 0) < 0 {
		buf.Write(b)
		return
	}
	for _, c := range b {
		if c != 0 {
			buf.WriteByte(c)
		}
	}
}
