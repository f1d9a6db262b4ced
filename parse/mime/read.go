package mime

import (
	"bytes"
	"slices"
	"strings"
)

// Read reads a whole mail, in any line ends, into its tree. It never fails: a
// mail without any header field is one text/plain part. The notes say what was
// repaired or left unread. The parts share raw's memory, so raw must not be
// changed while they live.
func Read(raw []byte, lim Limits) (*Part, []string) {
	r := reader{lim: lim.orDefault()}
	data := r.envelope(r.normalise(raw))
	p := r.entity(data, 0, "text/plain")
	p.openEnded(true)
	return p, r.notes
}

// openEnded marks the parts that the end of the mail ends. Where that is in the
// middle of a header line, the field is dropped: half a name or address is
// another one.
func (p *Part) openEnded(is bool) {
	p.cut = is
	if is && len(p.body) == 0 && len(p.Header) > 0 && p.raw[len(p.raw)-1] != '\n' {
		p.Header = p.Header[:len(p.Header)-1]
	}
	for i, c := range p.Children {
		enclosed := !strings.HasPrefix(p.Type, "multipart/")
		c.openEnded(is && i == len(p.Children)-1 && (c.cut || enclosed))
	}
}

// reader carries what all parts of one mail share.
type reader struct {
	lim   Limits
	parts int
	notes []string
}

func (r *reader) addNote(s string) {
	if !slices.Contains(r.notes, s) {
		r.notes = append(r.notes, s)
	}
}

// normalise undoes what makes a mail unreadable as a whole: UTF-16, a byte
// order mark, lone CR as line end. It copies only where it must.
func (r *reader) normalise(raw []byte) []byte {
	if order := utf16Order(raw[:min(len(raw), 64)]); order != nil {
		r.addNote("UTF-16 mail decoded")
		raw = []byte(decodeUTF16(raw, order))
	}
	if trimmed := bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")); len(trimmed) < len(raw) {
		r.addNote("byte order mark dropped")
		raw = trimmed
	}
	// More CR than LF: some CR stand alone or double.
	if cr := bytes.Count(raw, []byte{'\r'}); cr > 0 {
		switch lf := bytes.Count(raw, []byte{'\n'}); {
		case cr > 3*lf:
			r.addNote("lone CR taken as line ends")
			raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte{'\r'}), []byte{'\r'}, []byte{'\n'})
		case cr > lf:
			r.addNote("doubled CR taken as line ends")
			raw = []byte(toLF(raw))
		}
	}
	return raw
}

// envelope drops what stands above the first field: mbox lines, blank lines,
// garbage. Without a field near the top there is no header and nothing is
// dropped.
func (r *reader) envelope(data []byte) []byte {
	rest, garbage := data, false
	for range 50 {
		line, next := cutLine(rest)
		if _, ok := fieldName(trimBlank(line)); ok {
			if garbage {
				r.addNote("lines above the header dropped")
			}
			return rest
		}
		// The mbox line is how the mail was kept, nothing to repair.
		garbage = garbage || len(line) > 0 && !bytes.HasPrefix(line, []byte("From ")) && !bytes.HasPrefix(line, []byte(">From "))
		if len(next) == 0 {
			break
		}
		rest = next
	}
	return data
}

// entity reads one header block and what follows it. def is the type of a part
// that states none.
func (r *reader) entity(data []byte, depth int, def string) *Part {
	r.parts++
	p := &Part{Depth: depth, raw: data}
	if depth == 0 {
		p.Header, p.body = r.header(data)
	} else {
		p.Header, p.body = r.partHeader(data)
	}
	p.Type, p.ctype = contentType(p.Header, p.body, def)
	switch {
	case strings.HasPrefix(p.Type, "multipart/"):
		r.split(p)
	case p.Is("message/rfc822", "message/global", "message/news"):
		r.enclose(p)
	case p.ctype == "" && depth == 0:
		r.splitUndeclared(p)
	}
	return p
}

// enclose reads the header of an enclosed mail, and only that.
func (r *reader) enclose(p *Part) {
	if !r.room(p.Depth) {
		return
	}
	r.parts++
	data := p.body
	// QUIRK: Postal, Exchange and Apple Mail encode message/rfc822, which
	// RFC 2046 §5.2.1 forbids.
	if enc := p.encoding(); enc != "" {
		r.addNote("enclosed message was transfer-encoded")
		data = decodeTransfer(data[:min(len(data), 2*r.lim.HeaderBytes)], enc)
	}
	for len(data) > 0 && (data[0] == '\n' || data[0] == '\r') {
		data = data[1:]
	}
	data = r.envelope(data)
	child := &Part{Depth: p.Depth + 1, raw: data}
	child.Header, child.body = r.header(data)
	child.Type, child.ctype = contentType(child.Header, child.body, "text/plain")
	p.Children = []*Part{child}
}

// room tells whether a child below depth may be read.
func (r *reader) room(depth int) bool {
	switch {
	case depth+1 >= r.lim.Depth:
		r.addNote("MIME depth limit reached, deeper parts not read")
	case r.parts >= r.lim.Parts:
		r.addNote("part limit reached, further parts not read")
	default:
		return true
	}
	return false
}
