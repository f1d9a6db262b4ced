package judge

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
)

// importedAtOnce is how many entries of a list are stored in one transaction,
// some 300 bytes each: the pages of the index by domain, which lie in no order of
// the keys, are written once for each.
const importedAtOnce = 50_000

// Imported is what an import did.
type Imported struct {
	ID    int64 // 0: nothing was new
	Read  int   // entries
	New   int   // that were not known in these words
	Added int   // rows that came onto the list

	Forgotten int // entries about addresses that were erased, which stay so
}

// Import stores a list of another system: entries with pattern, address, reason,
// until and what the other system says. What an earlier import brought in the
// same words stays with that one, so that a list may be imported again, also one
// that was cut off: it is stored in steps, each with what follows from it. It
// ends at the first error of entries. progress, where given, is told of each
// step.
func (db *Judge) Import(ctx context.Context, i facts.Import, entries iter.Seq2[policy.Override, error], progress func(Imported)) (out Imported, err error) {
	if strings.TrimSpace(i.Reason) == "" || strings.TrimSpace(i.Author) == "" {
		return out, engine.WrongAct{Err: errors.New("an import needs a reason and an author")}
	}
	const doing = "importing a list"
	err = db.decide(ctx, doing, func(w *Judging) error {
		i.ID, err = w.BeginImport(&i)
		return err
	})
	if err != nil {
		return out, err
	}
	err = db.Bulk(ctx, func() error {
		out, err = db.importAll(ctx, doing, &i, entries, progress)
		return err
	})
	// Also of one that was cut off: what it brought can be taken back.
	end := db.transact(context.WithoutCancel(ctx), doing, func(w *Judging) error { return w.EndImport(i.ID, out.New == 0) })
	return out, errors.Join(err, end)
}

// importAll stores the entries in steps.
func (db *Judge) importAll(ctx context.Context, doing string, i *facts.Import, entries iter.Seq2[policy.Override, error], progress func(Imported)) (out Imported, err error) {
	ctx, stop := context.WithCancel(ctx)
	steps, ended := make(chan importStep), make(chan struct{})
	go func() {
		defer close(ended)
		importSteps(ctx, entries, steps)
	}()
	defer func() {
		stop()
		<-ended
	}()
	for s := range steps {
		for n := range s.entries {
			e := &s.entries[n]
			e.Act, e.Author, e.Entry.Import = policy.Add, i.Author, i.ID
		}
		step := out
		if err = db.decide(ctx, doing, func(w *Judging) error { return w.importSome(s.entries, &step) }); err != nil {
			err = errors.Join(err, s.err)
			break
		}
		out = step
		if progress != nil {
			progress(out)
		}
		if err = s.err; err != nil {
			break
		}
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	if out.New > 0 {
		out.ID = i.ID
	}
	return out, err
}

// importStep is what is stored at once, and the error that ended the list.
type importStep struct {
	entries []policy.Override
	err     error
}

// importSteps reads the next entries while those before them are stored.
func importSteps(ctx context.Context, entries iter.Seq2[policy.Override, error], to chan<- importStep) {
	defer close(to)
	var step importStep
	send := func() bool {
		select {
		case to <- step:
		case <-ctx.Done():
		}
		step.entries = make([]policy.Override, 0, importedAtOnce)
		return ctx.Err() == nil
	}
	for e, err := range entries {
		if step.err = err; err != nil {
			break
		}
		if step.entries = append(step.entries, e); len(step.entries) == importedAtOnce && !send() {
			return
		}
	}
	send()
}

// importSome stores some entries, and what follows for their addresses.
func (w *Judging) importSome(some []policy.Override, out *Imported) error {
	out.Read += len(some)
	slices.SortStableFunc(some, func(a, b policy.Override) int { return strings.Compare(a.Pattern, b.Pattern) })
	fold, err := w.fold()
	if err != nil {
		return err
	}
	before := w.Out.Added
	for len(some) > 0 {
		var keys []string
		n := 0
		for ; n < len(some); n++ { // all of an address together
			if len(keys) > 0 && keys[len(keys)-1] == some[n].Pattern {
				continue
			}
			if len(keys) == page {
				break
			}
			keys = append(keys, some[n].Pattern)
		}
		if err := w.importPage(fold, keys, some[:n], out); err != nil {
			return err
		}
		some = some[n:]
	}
	out.Added += w.Out.Added - before
	return nil
}

func (w *Judging) importPage(fold *policy.Fold, keys []string, entries []policy.Override, out *Imported) error {
	stored, err := pastOf(w.Tx, keys)
	if err != nil {
		return err
	}
	fresh := make([]policy.Override, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		gone, err := w.Forgotten(e.Pattern)
		switch {
		case err != nil:
			return err
		case gone:
			out.Forgotten++
		case !known(stored[e.Pattern].acts, e):
			fresh = append(fresh, *e)
			stored[e.Pattern].acts = append(stored[e.Pattern].acts, *e)
		}
	}
	if err := w.PutEntries(fresh); err != nil {
		return err
	}
	out.New += len(fresh)
	for i := 0; i < len(fresh); {
		key := fresh[i].Pattern
		p := stored[key]
		p.acts = slices.DeleteFunc(p.acts, func(o policy.Override) bool { return o.ID == 0 }) // as they were before they had one
		for ; i < len(fresh) && fresh[i].Pattern == key; i++ {
			p.acts = append(p.acts, fresh[i])
		}
		if err := w.address(fold, key, p); err != nil {
			return err
		}
	}
	return w.writeList()
}

// known tells whether an entry stands among the acts on its address in the same
// words.
func known(acts []policy.Override, e *policy.Override) bool {
	return slices.ContainsFunc(acts, func(o policy.Override) bool {
		return !o.Entry.IsZero() && !o.Undone && o.Entry.Same(&e.Entry) && o.Until.Equal(e.Until)
	})
}

// UndoImport takes back an import: its entries count no more. It is done in
// steps, and can be taken up again where it was cut off. It returns how many
// rows left the list.
func (db *Judge) UndoImport(ctx context.Context, id int64, reason, author string) (removed int, err error) {
	if strings.TrimSpace(reason) == "" || strings.TrimSpace(author) == "" {
		return 0, engine.WrongAct{Err: errors.New("taking back an import needs a reason and an author")}
	}
	doing := fmt.Sprintf("taking back import %d", id)
	err = db.decide(ctx, doing, func(w *Judging) error { return w.Writing.UndoImport(id, reason, author) })
	for more := true; more && err == nil; {
		err = db.decide(ctx, doing, func(w *Judging) error {
			keys, err := w.UndoEntries(id, importedAtOnce)
			if err != nil {
				return err
			}
			more = len(keys) > 0
			if err := w.refold(keys); err != nil {
				return err
			}
			removed += w.Out.Removed
			return w.EndImport(id, false)
		})
	}
	return removed, err
}
