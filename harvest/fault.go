package harvest

import (
	"errors"
	"strings"
	"time"
)

// What a caller branches on when a source fails. Everything else is a
// passing fault that is worth another try.
var (
	// ErrAuth is permanent until an operator acts: wrong password, expired
	// secret, missing permission.
	ErrAuth = errors.New("sign-in refused")
	// ErrUnreachable means that no usable connection came about: name, port,
	// TLS mode, certificate, network.
	ErrUnreachable = errors.New("server unreachable")
	// ErrFolder means that a folder can't be opened or made.
	ErrFolder = errors.New("folder not usable")
	// ErrDenied means that the user of the mailbox may not do that there.
	ErrDenied = errors.New("permission denied")
	// ErrQuota means that there is no room for what was to be put somewhere.
	ErrQuota = errors.New("quota exceeded")
	// ErrUndone means that a server confirmed what it did not do, or can't do
	// what was asked for.
	ErrUndone = errors.New("not done")
	// ErrUnaccounted means that a folder holds messages, by its own word, that
	// it doesn't give out.
	ErrUnaccounted = errors.New("messages not accounted for")
	// ErrTaken means that somebody else empties a folder: mail is gone before it
	// can be read.
	ErrTaken = errors.New("messages taken out by others")
	// ErrUnreadable means that a folder lists messages that it doesn't deliver.
	ErrUnreadable = errors.New("messages not readable")
)

// OfFolder tells that an error concerns one folder, or what was to be done
// there: the others can be read all the same.
func OfFolder(err error) bool {
	for _, kind := range []error{ErrFolder, ErrDenied, ErrQuota, ErrUndone, ErrUnaccounted, ErrTaken, ErrUnreadable} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// Fault is the error of a source. It prints as one line that names the
// mailbox, the step, what the server said and what would probably mend it.
type Fault struct {
	Mailbox string
	Step    string        // what was being done: "connecting to imap.example.org:993"
	Words   string        // the server's own words, if it said something
	Hint    string        // the likely fix, if one is known
	After   time.Duration // how long the provider asked to be left alone
	Kind    error         // one of the above, or nil
	Err     error         // the cause
}

func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString("mailbox " + f.Mailbox + ": " + f.Step)
	switch {
	case f.Words != "":
		b.WriteString(": server said: " + oneLine(f.Words))
	case f.Err != nil:
		b.WriteString(": " + oneLine(f.Err.Error()))
	case f.Kind != nil:
		b.WriteString(": " + f.Kind.Error())
	}
	if f.Hint != "" {
		b.WriteString(" (" + f.Hint + ")")
	}
	return b.String()
}

func (f *Fault) Unwrap() []error {
	var errs []error
	if f.Kind != nil {
		errs = append(errs, f.Kind)
	}
	if f.Err != nil {
		errs = append(errs, f.Err)
	}
	return errs
}

// RetryAfter is how long the provider asked to be left alone, zero when it
// didn't say: the mail server, or the one that gives tokens, whose errors have
// a method of this name.
func RetryAfter(err error) time.Duration {
	var wait time.Duration
	var f *Fault
	if errors.As(err, &f) {
		wait = f.After
	}
	var asked interface{ RetryAfter() time.Duration }
	if errors.As(err, &asked) {
		wait = max(wait, asked.RetryAfter())
	}
	return wait
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
}
