package imap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"harvester/harvest"
	"harvester/parse/count"
)

// Reconcile holds what the folder says it holds against what is accounted for.
func (s *session) Reconcile(_ context.Context, cur harvest.Cursor) error {
	f := s.folder
	if f == nil || f.name != cur.Folder || f.known == nil {
		return nil // it was not read
	}
	var errs []error
	fault := func(kind error, hint, format string, a ...any) {
		errs = append(errs, &harvest.Fault{Mailbox: s.Name, Step: "accounting for folder " + f.name, Kind: kind, Err: fmt.Errorf(format, a...), Hint: hint})
	}
	if f.short > 0 {
		fault(harvest.ErrUnaccounted, "the server contradicts itself; look at the folder with another program, and have the server rebuild its index",
			"the folder says it holds %s and lists %d", count.Of(f.listed.count()+uint64(f.short), "message"), f.listed.count()) //nolint:gosec // positive
	}
	if missing := f.listed.without(f.known.read); len(missing) > 0 {
		fault(harvest.ErrUnaccounted, "", "%s %s listed and not read: UID %s", count.Of(missing.count(), "message"), count.Verb(missing.count(), "was", "were"), some(missing))
	}
	if n := f.known.unread.count(); n > 0 {
		fault(harvest.ErrUnreadable, "each run tries again; look at them with another program, and move or delete what is broken",
			"%s can't be read: UID %s", count.Of(n, "message"), some(f.known.unread))
	}
	if l := f.known.lost; l.held > f.listed.count() && time.Since(l.since) < lossKept {
		// QUIRK: a Dovecot mdbox whose index files were lost shows no message
		// until doveadm force-resync.
		fault(harvest.ErrUnaccounted, "if nobody emptied or replaced it, the server has lost its index: have it rebuilt, with Dovecot doveadm force-resync; "+
			"this is said for three days", "the folder began anew on %s with %s, it held %d", l.since.UTC().Format(time.DateTime), count.Of(f.listed.count(), "message"), l.held)
	}
	if t := &f.known.taken; t.trouble() {
		fault(harvest.ErrTaken, "another harvester, a filter or a person empties the folder: let one alone do it, or give each a mailbox of its own, or have all of them keep the mail",
			"of %s that came since %s, %d were taken out before they could be read", count.Of(t.came, "mail"), t.since.UTC().Format(time.DateTime), t.gone)
	}
	return errors.Join(errs...)
}

// some is the head of a set, short enough for an error.
func some(s uidSet) string {
	const most = 5
	if len(s) > most {
		return s[:most].String() + ",…"
	}
	return s.String()
}
