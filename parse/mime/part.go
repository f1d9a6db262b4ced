// Package mime reads a mail into a tree of parts. It never refuses: what real
// software gets wrong is repaired or salvaged, and each repair leaves a note.
package mime

import "strings"

// Part is one node of the tree. A multipart has its parts as Children; a
// message/rfc822 or message/global has one child, the enclosed mail, of which
// only the header is read: its own parts stay bytes.
type Part struct {
	Header   Header
	Type     string // media type in lower case, "text/plain" when none is stated (RFC 2045 §5.2)
	Children []*Part
	Depth    int // 0 for the mail itself

	ctype string // the value of the Content-Type field that holds; "" when there is none
	raw   []byte // header and body as they came
	body  []byte // as it came, transfer encoding and all
	cut   bool
	open  bool
}

// Raw returns header and body as they stand in the mail. The bytes belong to
// the mail and must not be changed.
func (p *Part) Raw() []byte { return p.raw }

// Body returns the body as it stands in the mail, transfer encoding and all.
// The bytes belong to the mail and must not be changed.
func (p *Part) Body() []byte { return p.body }

// Cut tells whether the part runs to the end of the mail with no delimiter
// behind it, so that its last word may be the beginning of another one.
func (p *Part) Cut() bool { return p.cut }

// Open tells whether a multipart lacks its closing delimiter, or all of them.
func (p *Part) Open() bool { return p.open }

// Param returns a parameter of the Content-Type field (RFC 2045 §5.1,
// RFC 2231), "" when it is absent. The first of two equal ones holds.
func (p *Part) Param(name string) string { return param(p.ctype, name) }

// Filename returns the name that the part was given, decoded, from
// Content-Disposition (RFC 2183) or the name parameter of Content-Type.
func (p *Part) Filename() string {
	name := param(p.Header.Get("Content-Disposition"), "filename")
	if name == "" {
		name = p.Param("name")
	}
	return DecodeWords(name)
}

// Is tells whether p has one of the media types.
func (p *Part) Is(types ...string) bool {
	for _, t := range types {
		if p.Type == t {
			return true
		}
	}
	return false
}

// Attached tells whether the part is marked as an attachment.
func (p *Part) Attached() bool {
	v := p.Header.Get("Content-Disposition")
	return len(v) >= 10 && strings.EqualFold(v[:10], "attachment")
}
