package dkim

import (
	"errors"
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

// Fresh tells whether a signature that verifies was good when the notice came
// in, and why not. When the mail was made is said by t=, else by a signed Date.
func (s *Signature) Fresh(at time.Time) error {
	made := s.Time
	for _, f := range s.Signed {
		if made.IsZero() && f.Name == "date" {
			made = mime.Date(f.Value)
		}
	}
	switch {
	case s.Err != nil:
		return s.Err
	case !made.IsZero() && made.After(at.Add(skew)):
		return errors.New("it is dated after the notice came in")
	case !made.IsZero() && at.Sub(made) > Life+skew:
		return errors.New("the mail is older than any that still comes back")
	case !s.Expires.IsZero() && at.Sub(s.Expires) > queue+skew:
		return errors.New("it had expired (x=)")
	case !s.until.IsZero() && at.After(s.until):
		return errors.New("its key was withdrawn too long ago")
	}
	return nil
}
