package imap

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// taken is what a folder gave UIDs to and did not show to any visit of ours: mail
// that somebody else takes out, such as another harvester with a database of its
// own, whose failures this one never sees. The server gives UIDs out one after the
// other (RFC 9051 §2.3.1.1), so they can be counted without asking for anything.
type taken struct {
	next       imap.UID // what mail gets that comes after the last listing; 0: not known
	gone, came uint64   // of the mails since
	since      time.Time
}

// A person who deletes a mail, or a server that leaves a number out, is no
// trouble; one that takes a good part of what comes is.
const (
	takenFor  = 24 * time.Hour // that are counted together
	takenMost = 10
	takenPart = 4 // one of so many
)

// see counts what came since the last listing. read are those that were accounted
// for since: they may have been moved or deleted by us.
func (t *taken) see(uidNext imap.UID, listed, read uidSet, now time.Time) {
	next := max(uidNext, listed.last()+1, read.last()+1)
	if now.Sub(t.since).Abs() > takenFor {
		t.gone, t.came, t.since = 0, 0, now
	}
	if t.next > 0 && next > t.next {
		came := uidSet{{Start: t.next, Stop: next - 1}}
		t.came += came.count()
		t.gone += came.without(listed).without(read).count()
	}
	t.next = max(t.next, next)
}

// trouble tells that somebody else empties the folder.
func (t *taken) trouble() bool { return t.gone >= takenMost && t.gone >= t.came/takenPart }

// String is the state that parseTaken reads.
func (t *taken) String() string {
	if t.next == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d/%d/%d", t.next, t.gone, t.came, t.since.Unix())
}

func parseTaken(text string) (t taken) {
	var n [4]uint64
	for i, field := range strings.SplitN(text, "/", len(n)) {
		n[i], _ = strconv.ParseUint(field, 10, 63) // what is damaged counts anew
	}
	return taken{imap.UID(n[0]), n[1], n[2], time.Unix(int64(n[3]), 0)} //nolint:gosec // 63 bits; a UID has 32
}
