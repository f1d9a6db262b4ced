package dkim

import (
	"time"

	"harvester/parse/mime"
)

const (
	// Life is how long a signed mail can come back: queues give up after days,
	// the rest is for systems that answer late. A signature that is shown later
	// was kept by somebody.
	Life = 45 * 24 * time.Hour
	// queue is how long a mail may wait before it fails (RFC 5321 §4.5.4.1). A
	// signature that was good when the mail was handed over proves that.
	queue = 5 * 24 * time.Hour
	// skew is by how much clocks may differ.
	skew = 24 * time.Hour
)

// Window is the time in which a notice that returns the signed mail must have
// come in to be believed: not before the mail was made, as t= or else a signed
// Date says, and not after it, x= or its key grew too old. A zero bound is none.
func (s *Signature) Window() (from, to time.Time) {
	made := s.Time
	for _, f := range s.Signed {
		if made.IsZero() && f.Name == "date" {
			made = mime.Date(f.Value)
		}
	}
	if !made.IsZero() {
		from, to = made.Add(-skew), made.Add(Life+skew)
	}
	for _, end := range [...]time.Time{s.until, s.Expires} {
		if end.IsZero() {
			continue
		}
		if end.Equal(s.Expires) {
			end = end.Add(queue + skew)
		}
		if to.IsZero() || end.Before(to) {
			to = end
		}
	}
	return from, to
}
