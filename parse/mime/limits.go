package mime

// Limits bound what one mail may cost. What lies beyond them is left unread
// and noted.
type Limits struct {
	HeaderBytes int // of one header block
	Depth       int // of nested multiparts and enclosed mails
	Parts       int // in the whole mail
}

// DefaultLimits returns limits that no honest mail reaches.
func DefaultLimits() Limits { return Limits{HeaderBytes: 256 << 10, Depth: 16, Parts: 1000} }

// orDefault fills in what the caller left at zero.
func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	if l.HeaderBytes <= 0 {
		l.HeaderBytes = d.HeaderBytes
	}
	if l.Depth <= 0 {
		l.Depth = d.Depth
	}
	if l.Parts <= 0 {
		l.Parts = d.Parts
	}
	return l
}
