// Package harvest holds the vocabulary of collecting mail: what a message is,
// how far a folder was read, what a source can do, and what may be done to a
// message after its facts are committed. It uses the standard library only;
// the sources themselves live in the packages below it.
package harvest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"
)

// Locator says where a message stands. Mailbox is the configured name. IMAP
// fills Folder, UIDValidity and UID (RFC 9051 §2.3.1.1); sources without UIDs
// fill Name: a path as walked (an mbox adds "#N"), or a POP3 UIDL (RFC 1939).
type Locator struct {
	Mailbox     string
	Folder      string
	UIDValidity uint32
	UID         uint32
	Name        string
}

func (l Locator) String() string {
	if l.Name != "" {
		return l.Mailbox + ":" + l.Name
	}
	return fmt.Sprintf("%s/%s:%d:%d", l.Mailbox, l.Folder, l.UIDValidity, l.UID)
}

// Message is one mail as a source delivered it.
type Message struct {
	Locator
	Raw      []byte            // all of it, or its head when Truncated
	Size     int64             // bytes of the whole message
	Hash     [sha256.Size]byte // over the whole message, also when Raw was cut
	Received time.Time         // INTERNALDATE or file time; zero when unknown

	Truncated bool  // Raw was cut at the source's limit
	Gone      bool  // expunged while it was read: there is nothing to parse
	Poison    error // the source can't deliver it; it is recorded, passed over, and tried again by later visits
	Again     bool  // an earlier visit recorded it as poison
}

// Cursor says up to where a folder has been accounted for. It is stored in the
// transaction that stores the facts of the messages below it.
type Cursor struct {
	Mailbox     string
	Folder      string
	UIDValidity uint32
	LastUID     uint32 // every UID up to it is stored, gone or poison
	State       string // opaque to all but the source, for sources without UIDs
}

// Batch is a bounded number of messages that were read completely, and the
// cursor that holds once they are stored. An empty batch means that nothing
// more is there now; its cursor may still differ from the one asked with.
type Batch struct {
	Messages []Message
	Cursor   Cursor
	Left     int // messages known to be there beyond it; 0 as well where the source can't tell
}

// Disposition is what to do with a message on the server once its facts are
// committed.
type Disposition uint8

// The dispositions. Keep changes nothing on the server.
const (
	Keep Disposition = iota
	Seen
	Move
	Delete
)

var dispositionNames = [...]string{"keep", "seen", "move", "delete"}

func (d Disposition) String() string {
	if int(d) < len(dispositionNames) {
		return dispositionNames[d]
	}
	return fmt.Sprintf("invalid(%d)", uint8(d))
}

// Settlement is one disposition of one stored message. Target is the folder of
// a Move.
type Settlement struct {
	Locator
	Disposition Disposition
	Target      string
}

// Source is one configured mailbox.
type Source interface {
	// Open connects and signs in. Its error names the mailbox, the step and
	// the server's own words.
	Open(ctx context.Context) (Session, error)
}

// Session is one visit to a source. One goroutine owns it.
type Session interface {
	// Folders are the folders to read, in order.
	Folders() []string
	// Next reads the next batch after cur from cur.Folder. It returns only
	// complete messages: no command is in flight when it returns, so the
	// caller may take its time to parse and commit.
	Next(ctx context.Context, cur Cursor) (Batch, error)
	// Settle carries out what was decided about stored messages of one folder
	// and returns those that are done, also when it fails half-way; what is
	// refused does not keep the others from being done. Messages that are no
	// longer there count as done.
	Settle(ctx context.Context, folder string, todo []Settlement) (done []Settlement, err error)
	// Close signs off. It never blocks longer than ctx allows.
	Close(ctx context.Context) error
}

// Waiter is implemented by sessions that can wait for new mail (IMAP IDLE,
// RFC 2177). Wait returns nil when something may have arrived: at once when it
// opens the folder, for what came before, and then when the server says so. Its
// error is [errors.ErrUnsupported] where the server can't, and ctx's when ctx
// ended first.
type Waiter interface {
	Wait(ctx context.Context, folder string) error
}

// Reconciler is implemented by sessions whose server says how much a folder
// holds. Reconcile is asked when Next found nothing more after cur, and holds
// that against what is accounted for. Its error is a [Fault] for each
// difference, of kind ErrUnaccounted, ErrTaken or ErrUnreadable.
type Reconciler interface {
	Reconcile(ctx context.Context, cur Cursor) error
}

// Prober is implemented by sessions that can look at a folder without reading
// it, to check a configuration. Probe opens the folder as Next and Settle
// would and says how many messages it holds; it changes nothing.
type Prober interface {
	Probe(ctx context.Context, folder string) (messages int, err error)
}

// Skipper is implemented by sessions that can pass over what is old. Newest is
// the cursor after which a folder has only its newest n messages left; it reads
// none of them.
type Skipper interface {
	Newest(ctx context.Context, folder string, n int) (Cursor, error)
}

// Limited is implemented by sessions that can tell what their server can't do
// before it is tried. Limits looks at what is wanted of each (the folder, the
// disposition, the target): the error, of a kind each, is of what nothing would
// come of; the words say where less would come of it than was asked for. It
// changes nothing.
type Limited interface {
	Limits(ctx context.Context, want []Settlement) (words []string, err error)
}

// Capable is implemented by sessions whose server tells what it can do beyond
// the least. Capabilities names of it what a harvest makes use of.
type Capable interface {
	Capabilities(ctx context.Context) []string
}
