package mime

import "strings"

// Field is one header field: the name as written with blanks trimmed, the value
// unfolded to one line with its charset and RFC 2047 words left as they are.
type Field struct {
	Name  string
	Value string
}

// Header is the fields of one header block, in the order of the mail.
type Header []Field

// Get returns the unfolded value of the first field called name, whatever its
// case; "" when there is none.
func (h Header) Get(name string) string {
	for i := range h {
		if len(h[i].Name) == len(name) && strings.EqualFold(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

// Has tells whether a field called name stands in h, even an empty one.
func (h Header) Has(name string) bool {
	for i := range h {
		if len(h[i].Name) == len(name) && strings.EqualFold(h[i].Name, name) {
			return true
		}
	}
	return false
}

// All returns the values of every field called name, in order.
func (h Header) All(name string) []string {
	var out []string
	for i := range h {
		if len(h[i].Name) == len(name) && strings.EqualFold(h[i].Name, name) {
			out = append(out, h[i].Value)
		}
	}
	return out
}
