package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store"
	"harvester/store/facts"
	"harvester/store/fleet"
)

// Mailbox takes mail from one source into the store: read, parse, commit, and
// only then settle on the server.
type Mailbox struct {
	Name     string
	Source   harvest.Source
	Store    *store.DB
	Parse    *parse.Options
	Settling Settling
	Sent     bool    // it holds copies of what was sent, for the ledger
	Dry      bool    // neither commit nor settle: only say what would happen
	Copy     bool    // Store is a copy that nobody keeps: a dry run commits to it
	Newest   int     // read about so many of each folder's messages, the newest where the source can tell; 0: all
	Meter    Meter   // nil: nobody counts
	Memory   *Memory // shared with other mailboxes; nil: as much as the source wants
	Log      *slog.Logger
}

// Tally counts what a run did.
type Tally struct {
	facts.Outcome
	Read     int // messages
	Bytes    int64
	Kinds    map[parse.Kind]int
	Nameless int    // of what was not understood, what names only its sender or where help is found
	Ours     int    // notices about addresses of our own domains
	Copies   int    // of what was sent
	Useless  int    // messages in a mailbox of copies that are none
	Why      string // the first of them is none
	Settled  int
	Less     []string     // in which way the server did less than it was asked for
	Plan     map[Fate]int // what a dry run would have settled
}

// String is the tally as one line.
func (t Tally) String() string {
	s := fmt.Sprintf("%d read, %d new", t.Read, t.Messages)
	if t.Handed > 0 {
		s = fmt.Sprintf("%d read, %d handed to the leader", t.Read, t.Handed)
	}
	if t.Copies+t.Useless > 0 {
		s = fmt.Sprintf("%d read, %s new to the ledger, %s proven", t.Read, count.Of(t.Sent, "recipient"), count.Of(t.Proven, "failure"))
	}
	for _, n := range []struct {
		count int
		what  string
	}{
		{t.Known, "known already"}, {t.Kinds[bounce.KindUnparsed], "not understood"}, {t.Nameless, "of these naming nobody but the sender or a helper"}, {t.Ours, "about recipients that are ours"}, {t.Useless, "not usable (" + t.Why + ")"}, {t.Poison, "unreadable"}, {t.Gone, "gone"},
		{t.Added, "suppressed"}, {t.Held, "held"}, {t.Removed, "released"}, {t.Settled, "settled"},
	} {
		if n.count > 0 {
			s += fmt.Sprintf(", %d %s", n.count, n.what)
		}
	}
	return strings.Join(append([]string{s}, t.Less...), "; ")
}

const (
	closeTime  = 10 * time.Second // to sign off
	finishTime = 25 * time.Second // to commit and settle what is in hand when a run is stopped
)

// Run reads every folder to its end. Messages that were read are accounted for
// whatever the error; it names what could not be done, and other folders are
// read all the same when one can't be opened.
func (m *Mailbox) Run(ctx context.Context) (t Tally, err error) {
	if m.Meter != nil {
		start := time.Now()
		defer func() { m.Meter.Polled(m.Name, t, time.Since(start), err) }()
	}
	t.Kinds, t.Plan = map[parse.Kind]int{}, map[Fate]int{}
	session, err := m.Source.Open(ctx)
	if err != nil {
		return t, err
	}
	finish, end := linger(ctx, finishTime)
	defer end()
	defer func() {
		closing, cancel := context.WithTimeout(finish, closeTime)
		defer cancel()
		if failed := session.Close(closing); failed != nil {
			m.Log.Debug("signing off failed", slog.String("mailbox", m.Name), slog.Any("err", failed))
		}
	}()
	v := &visit{Mailbox: m, session: session, tally: &t, finish: finish}
	cursors, err := m.Store.Mailboxes.Cursors(ctx, m.Name)
	if err != nil {
		return t, err
	}
	if err := v.resume(ctx); err != nil {
		return t, err
	}
	var errs []error
	read := 0
	for _, folder := range session.Folders() {
		cur, ok := cursors[folder]
		if !ok {
			cur = harvest.Cursor{Mailbox: m.Name, Folder: folder}
		}
		cur, err := v.folder(ctx, cur)
		if err == nil {
			read++
			err = v.reconcile(ctx, cur)
		}
		if err == nil {
			continue
		}
		errs = append(errs, err)
		if !harvest.OfFolder(err) {
			return t, errors.Join(append(errs, v.refusals()...)...)
		}
	}
	if l, ok := session.(harvest.Limited); ok && t.Settled > 0 {
		t.Less, _ = l.Limits(ctx, m.Settling.Wanted(session.Folders())) // what is refused was an error already
	}
	err = errors.Join(append(errs, v.refusals()...)...)
	if err != nil && read > 0 {
		err = &Partial{err}
	}
	return t, err
}

// linger is a context that outlives another by a while: for a run that is
// stopped to finish what it has in hand, all of it within that time. Where
// another worker has taken over there is nothing to finish.
func linger(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(context.Cause(ctx), fleet.ErrLost) {
			cancel()
			return
		}
		last := time.AfterFunc(by, cancel)
		context.AfterFunc(out, func() { last.Stop() })
	})
	return out, func() {
		stop()
		cancel()
	}
}

// visit is one session's work.
type visit struct {
	*Mailbox
	session harvest.Session
	tally   *Tally
	finish  context.Context //nolint:containedctx // of the one run: commits and settlings outlive its context a little
	refused []refusal       // settlings that the server refused; they stop further ones of their kind
}

// understood is a batch that was read and parsed.
type understood struct {
	items  []facts.Item
	copies []sentCopy // instead of items, all but what is gone or poison
	cursor harvest.Cursor
	held   int64 // of the shared memory
}

func (v *visit) next(ctx context.Context, cur harvest.Cursor) (understood, error) {
	b, held, err := v.read(ctx, cur)
	if v.Meter != nil && err == nil {
		v.Meter.Left(v.Name, b.Left)
	}
	if v.Sent {
		u := v.readCopies(b)
		u.held = held
		return u, err
	}
	start := time.Now()
	items := Parse(b.Messages, v.Parse)
	if v.Meter != nil && len(items) > 0 {
		v.Meter.Parsed(v.Name, items, time.Since(start))
	}
	return understood{items: items, cursor: b.Cursor, held: held}, err
}

// read reads a batch within this mailbox's share of the memory, and says what
// it holds of it.
func (v *visit) read(ctx context.Context, cur harvest.Cursor) (b harvest.Batch, held int64, err error) {
	s, ok := v.session.(harvest.Sparing)
	if v.Memory == nil || !ok {
		b, err = v.session.Next(ctx, cur)
		return b, 0, err
	}
	share := v.Memory.share()
	defer func() { v.Memory.add(held - share) }()
	s.Spare(share)
	b, err = v.session.Next(ctx, cur)
	return b, weight(b.Messages), err
}

// drop gives back what a batch holds of the memory.
func (v *visit) drop(b *understood) {
	if v.Memory != nil {
		v.Memory.add(-b.held)
	}
	*b = understood{}
}

// reconcile holds what a folder says it holds against what is accounted for.
func (v *visit) reconcile(ctx context.Context, cur harvest.Cursor) error {
	if r, ok := v.session.(harvest.Reconciler); ok && v.Newest == 0 {
		return r.Reconcile(ctx, cur)
	}
	return nil
}

// folder reads one folder to its end, and returns its cursor then. The next
// batch is read and parsed while one is committed; the session is used for
// nothing else until then.
func (v *visit) folder(ctx context.Context, cur harvest.Cursor) (harvest.Cursor, error) {
	var ahead understood
	if s, ok := v.session.(harvest.Skipper); ok && v.Newest > 0 {
		var err error
		if cur, err = s.Newest(ctx, cur.Folder, v.Newest); err != nil {
			return cur, err
		}
	}
	batch, err := v.next(ctx, cur)
	defer func() {
		v.drop(&batch)
		v.drop(&ahead)
	}()
	most := v.tally.Read + v.Newest
	for err == nil && (len(batch.items)+len(batch.copies) > 0 || batch.cursor != cur) && (v.Newest == 0 || v.tally.Read < most) {
		cur = batch.cursor
		var reading sync.WaitGroup
		reading.Go(func() { ahead, err = v.next(ctx, cur) })
		todo, failed := v.store(batch)
		reading.Wait()
		if failed != nil {
			return cur, failed
		}
		v.settle(cur.Folder, todo)
		if failed := v.pass(batch); failed != nil {
			return cur, failed
		}
		v.drop(&batch)
		batch, ahead = ahead, understood{}
	}
	return cur, err
}

// store commits a batch and says what is to be settled.
func (v *visit) store(b understood) ([]harvest.Settlement, error) {
	items := b.items
	todo, copies := v.sort(b.copies)
	for i := range items {
		it := &items[i]
		if it.Message.Poison != nil && it.Message.Again {
			continue // as before
		}
		v.tally.Read++
		v.tally.Bytes += it.Message.Size
		if it.Message.Gone || it.Message.Poison != nil {
			continue
		}
		v.tally.Kinds[it.Result.Kind]++
		if strings.HasPrefix(it.Result.Hint, parse.NamesOnly) {
			v.tally.Nameless++
		}
		if strings.HasPrefix(it.Result.Hint, parse.OursFailed) {
			v.tally.Ours++
		}
		todo = append(todo, v.decide(it)...)
	}
	if v.Dry && !v.Copy {
		return todo, nil
	}
	batch := facts.Batch{Items: items, Copies: copies, Cursor: b.cursor}
	if v.Sent {
		batch.Cursor = harvest.Cursor{} // see pass
	}
	start := time.Now()
	out, err := v.Store.Judge.Commit(v.finish, batch)
	if err != nil {
		return nil, err
	}
	if v.Meter != nil {
		v.Meter.Committed(out, time.Since(start))
	}
	v.tally.Add(out)
	return todo, nil
}

// Unparsed counts the messages that nobody understood.
func (t Tally) Unparsed() int { return t.Kinds[bounce.KindUnparsed] }
