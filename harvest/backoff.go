package harvest

import (
	"errors"
	"time"
)

// Backoff says when a mailbox that failed is tried again: exponential with
// full jitter, so that many mailboxes of one server don't return together. The
// zero value is usable; it does no I/O and reads no clock.
type Backoff struct {
	failures int
}

const (
	backoffBase = 5 * time.Second
	backoffCap  = 30 * time.Minute // between two tries at a server
	// operatorBackoff is for faults that only an operator mends. More often
	// would lock the account out at some providers.
	operatorBackoff = time.Hour
)

// Failed returns how long to wait after err. The jitter is uniform in [0, 1).
// What the provider asked for is the least, and a refused sign-in or folder
// waits an hour.
func (b *Backoff) Failed(err error, jitter float64) time.Duration {
	ceiling := backoffCap
	if b.failures < 20 {
		ceiling = min(backoffCap, backoffBase<<b.failures)
		b.failures++
	}
	wait := time.Duration(jitter * float64(ceiling))
	if errors.Is(err, ErrAuth) || errors.Is(err, ErrFolder) || errors.Is(err, ErrDenied) {
		wait = operatorBackoff
	}
	return max(wait, RetryAfter(err))
}

// Succeeded forgets all failures.
func (b *Backoff) Succeeded() { b.failures = 0 }

// Failures counts the failures since the last success.
func (b *Backoff) Failures() int { return b.failures }
