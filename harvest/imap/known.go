package imap

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"harvester/harvest"
)

// known is what the cursor of a folder says about it, in [harvest.Cursor.State]:
// which of its messages are accounted for, and by what the folder is recognized.
type known struct {
	budget string // of the provider's day, see budget
	id     string // the folder's own, MAILBOXID of RFC 8474
	read   uidSet // accounted for, and there when the folder was last listed
	unread uidSet // of these, what the server did not deliver
	mark   mark   // one message, to tell that the folder is still the same
	lost   loss
	taken  taken
}

// mark is a message that was read: its UID, and a digest of what no server
// changes in it.
type mark struct {
	uid    imap.UID
	digest string
}

// loss tells that a folder began anew with fewer messages than it held.
type loss struct {
	held  uint64
	since time.Time
}

// lossKept is how long a folder that began anew with fewer messages is a
// trouble, unless they come back before.
const lossKept = 72 * time.Hour

// parseKnown reads the state of a cursor. What an older version wrote holds the
// budget alone: all up to the cursor's UID was read then.
func parseKnown(cur harvest.Cursor) known {
	var k known
	if cur.LastUID > 0 {
		k.read = uidSet{{Start: 1, Stop: imap.UID(cur.LastUID)}}
	}
	if !strings.Contains(cur.State, "=") {
		k.budget = cur.State
		return k
	}
	for field := range strings.SplitSeq(cur.State, " ") {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "budget":
			k.budget = strings.ReplaceAll(value, "/", " ")
		case "id":
			k.id = value
		case "read":
			if set, ok := parseSet(value); ok {
				k.read = set
			}
		case "unread":
			k.unread, _ = parseSet(value)
		case "mark":
			uid, digest, _ := strings.Cut(value, "/")
			n, _ := strconv.ParseUint(uid, 10, 32)
			k.mark = mark{imap.UID(n), digest}
		case "taken":
			k.taken = parseTaken(value)
		case "lost":
			held, since, _ := strings.Cut(value, "/")
			k.lost.held, _ = strconv.ParseUint(held, 10, 64)
			seconds, _ := strconv.ParseInt(since, 10, 64)
			k.lost.since = time.Unix(seconds, 0)
		}
	}
	return k
}

// String is the state that parseKnown reads.
func (k *known) String() string {
	var b strings.Builder
	field := func(name, value string) {
		if value == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(name + "=" + value)
	}
	field("budget", strings.ReplaceAll(k.budget, " ", "/"))
	field("id", k.id)
	if k.mark.uid > 0 {
		field("mark", strconv.FormatUint(uint64(k.mark.uid), 10)+"/"+k.mark.digest)
	}
	if k.lost.held > 0 {
		field("lost", strconv.FormatUint(k.lost.held, 10)+"/"+strconv.FormatInt(k.lost.since.Unix(), 10))
	}
	field("taken", k.taken.String())
	field("unread", k.unread.String())
	if len(k.read) > 0 || b.Len() > 0 {
		b.WriteString(strings.Repeat(" ", min(1, b.Len())) + "read=" + k.read.String())
	}
	return b.String()
}

// anew is what stays known of a folder whose UIDs mean nothing any more.
func (k *known) anew(now time.Time) known {
	fresh := known{budget: k.budget}
	if held := k.read.count(); len(k.mark.digest) > 0 && held > 0 { // older states don't tell what was there
		fresh.lost = loss{held, now}
	}
	return fresh
}

// add accounts for messages that were read.
func (k *known) add(messages []harvest.Message) {
	uids := make([]imap.UID, 0, len(messages))
	var poison []imap.UID
	for i := range messages {
		m := &messages[i]
		uid := imap.UID(m.UID)
		uids = append(uids, uid)
		switch {
		case m.Poison != nil:
			poison = append(poison, uid)
		case !m.Gone && uid >= k.mark.uid:
			k.mark = mark{uid, digest(m.Raw)}
		}
	}
	k.read = k.read.with(uids...)
	k.unread = k.unread.without(newSet(nil).with(uids...)).with(poison...)
}

// markBytes is how much of a message is asked for to recognize it.
const markBytes = 4096

// digest is of what tells a message from another on every server and day: its
// Message-ID, or else the head of it.
//
// QUIRK: GNU mailutils 3.15 writes its own fields (Status, X-UID, …) into the
// header, and changes them.
func digest(raw []byte) string {
	raw = raw[:min(len(raw), markBytes)]
	var head []byte
	for line := range bytes.Lines(raw) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch strings.ToLower(string(name)) {
		case "message-id":
			if id := bytes.TrimSpace(value); len(id) > 0 {
				return hash(id)
			}
		case "status", "x-status", "x-uid", "x-imap", "x-imapbase", "x-keywords":
			continue
		}
		head = append(append(head, line...), '\n')
	}
	return hash(head[:min(len(head), markBytes/4)])
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// mailboxID matches the response code of RFC 8474 §4.1, which go-imap passes over.
var mailboxID = regexp.MustCompile(`(?i)\[MAILBOXID \(([A-Za-z0-9_-]+)\)\]`)

// heardID is the folder's own identity, as the answer to SELECT told it, or "".
func (s *session) heardID() string {
	if m := mailboxID.FindAllStringSubmatch(s.conn.Heard(), -1); m != nil && len(m[len(m)-1][1]) <= 255 {
		return m[len(m)-1][1]
	}
	return ""
}

// recognize takes over what a cursor says about the folder, or forgets it when
// the folder is another one now. It says whether that was so.
func (f *selected) recognize(cur harvest.Cursor, now time.Time) (forgot bool) {
	if f.known != nil && f.state == cur.State && f.asked == cur.LastUID {
		return false
	}
	k := parseKnown(cur)
	f.plan = plan{}
	if forgot = f.forgets(cur, &k); forgot {
		k = k.anew(now)
	}
	k.id = f.id
	f.known, f.state, f.asked = &k, cur.State, cur.LastUID
	return forgot
}

// forgets says whether the UIDs of a cursor mean nothing any more.
//
// QUIRK: Cyrus 3.12.4 with delete_mode: immediate gives a folder that was
// deleted and made again the same UIDVALIDITY, 1. Its MAILBOXID is another.
func (f *selected) forgets(cur harvest.Cursor, k *known) bool {
	if len(k.read) == 0 && cur.LastUID == 0 {
		return false
	}
	// A mailbox that was set back, from a backup say, gives UIDs out twice.
	restored := f.fresh && f.uidNext != 0 && imap.UID(cur.LastUID) >= f.uidNext
	return cur.UIDValidity != f.uidValidity || f.unnumbered || restored || k.id != "" && f.id != "" && k.id != f.id
}

// compare reads the head of the marked message and says whether another one
// stands in its place. One that is gone says nothing.
func (s *session) compare(ctx context.Context, f *selected) (other bool, err error) {
	m := f.known.mark
	if m.uid == 0 {
		return false, nil
	}
	got, err := s.fetchSection(ctx, "comparing a message of folder "+f.name, imap.UIDSetNum(m.uid),
		&imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: markBytes}}, markBytes)
	switch {
	case refused(err):
		return false, nil // it is only a precaution
	case err != nil:
		return false, err
	}
	b := got.bodies[m.uid]
	return !suspicious(b) && digest(b.raw) != m.digest, nil
}

// prune drops what is no longer there, so that what is known doesn't outgrow
// the folder.
func (k *known) prune(listed uidSet) {
	k.read, k.unread = k.read.and(listed), k.unread.and(listed)
}

// left is what is to be read of what was listed: what is not accounted for, then
// what could not be delivered before, unless it was tried by this visit.
func (k *known) left(listed, tried uidSet) (uids []imap.UID, again uidSet) {
	again = k.unread.and(listed).without(tried)
	return slices.Concat(listed.without(k.read).each(), again.each()), again
}
