// Package mime reads a mail into a tree of parts. It never refuses: what real
// software gets wrong is repaired or salvaged, and each repair leaves a note.
package mime

// Part is one node of the tree. A multipart has its parts as Children; a
// message/rfc822 or message/global has one child, the enclosed mail.
type Part struct {
	Header   Header
	Type     string // media type in lower case, "text/plain" when none is stated (RFC 2045 §5.2)
	Children []*Part
	Depth    int // 0 for the mail itself
}
