package push

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strings"

	"harvester/parse/count"
	"harvester/store"
	"harvester/store/export"
	"harvester/store/facts"
	"harvester/store/query"
)

const (
	chunkSize = 5000 // changes that are planned at a time
	hopeless  = 10   // refused addresses, with none taken, that end a run
)

// Result is what a run did, or would do.
type Result struct {
	Added    int `json:"added"`
	Removed  int `json:"removed"`
	Refused  int `json:"refused"`  // addresses that the target does not take
	Stuck    int `json:"stuck"`    // that left the list, and the target knows no way to take off
	Requests int `json:"requests"` // tries included
}

// String is the outcome as one line.
func (r Result) String() string {
	out := fmt.Sprintf("told %d added, %d removed in %s", r.Added, r.Removed, count.Of(r.Requests, "request"))
	if r.Refused > 0 {
		out += fmt.Sprintf("; %d refused: see harvester push refused", r.Refused)
	}
	if r.Stuck > 0 {
		out += fmt.Sprintf("; %d to be taken off there by hand", r.Stuck)
	}
	return out
}

// Run tells a target what changed on the list in db since it was told last. It
// tells nothing while the guard keeps the exports still (store.ErrStopped). A
// run that fails has recorded what it told; the next one tells the rest. A dry
// one only counts.
func Run(ctx context.Context, db *store.DB, s Settings, dry bool) (Result, error) {
	s.complete()
	r := &run{db: db, s: &s, dry: dry, conn: &conn{s: &s}}
	err := r.run(ctx)
	r.Requests = r.conn.n
	if err != nil {
		err = fmt.Errorf("pushing to %s: %w", s.Name, err)
	}
	return r.Result, err
}

type run struct {
	Result
	db      *store.DB
	s       *Settings
	profile export.Profile
	conn    *conn
	dry     bool
	taken   int    // addresses that the target took
	refused int    // and that it did not
	said    string // to the latest of these
}

func (r *run) run(ctx context.Context) (err error) {
	if err := r.db.Guard.MayExport(ctx); err != nil {
		return err
	}
	if r.profile, err = export.Lookup(r.s.Service.profile); err != nil {
		return err
	}
	// Read before the list: what changes in between is looked at twice.
	mark, err := r.db.List.ListMark(ctx)
	if err != nil {
		return err
	}
	after, was, err := r.db.Pushes.PushMark(ctx, r.s.Name)
	if err != nil {
		return err
	}
	form := r.s.form()
	switch {
	case was == form:
	case sameTarget(was, form):
		after = 0 // another part of the list
	default:
		after = 0
		if !r.dry { // another target: it holds nothing of ours
			if err := r.db.Pushes.BeginPush(ctx, r.s.Name, form); err != nil {
				return err
			}
		}
	}
	for beyond := ""; ; {
		p, err := r.plan(ctx, after, beyond, was == "" || sameTarget(was, form))
		if err != nil {
			return err
		}
		if err := r.carryOut(ctx, p); err != nil {
			return err
		}
		if p.done {
			break
		}
		beyond = p.last
	}
	if r.dry {
		return nil
	}
	return r.db.Pushes.MarkPush(ctx, r.s.Name, mark, form)
}

// form names target and filter by their content, the target first.
func (s *Settings) form() string {
	sum := func(parts ...any) string {
		h := sha256.New()
		for _, p := range parts {
			fmt.Fprintf(h, "%q\x00", fmt.Sprint(p))
		}
		return hex.EncodeToString(h.Sum(nil)[:8])
	}
	return sum(s.Service.Name, s.URL, s.List) + " " + sum(s.Filter.Stream, s.Filter.Sources, s.Filter.Reasons, s.Filter.Domains)
}

func sameTarget(a, b string) bool {
	a, _, _ = strings.Cut(a, " ")
	b, _, _ = strings.Cut(b, " ")
	return a == b
}

// plan is a part of what is to be told, in the order of the keys.
type plan struct {
	remove []facts.Pushed
	add    map[string][]Item // by list
	lists  []string          // of add, in the order in which they came up
	told   []facts.Pushed    // to record without a request
	gone   []string          // to record without a request
	last   string            // the key up to which it reaches
	done   bool              // there is no further one
}

func (p *plan) size() int {
	n := len(p.remove) + len(p.told) + len(p.gone)
	for _, items := range p.add {
		n += len(items)
	}
	return n
}

// plan compares the list with what the target was told, as far as both changed
// after a mark, beyond a key.
func (r *run) plan(ctx context.Context, after int64, beyond string, known bool) (*plan, error) {
	p := &plan{add: map[string][]Item{}}
	f := r.s.Filter
	f.After, f.Beyond = after, beyond
	wanted, stopWanted := iter.Pull2(export.Strongest(r.db.List.Suppressions(ctx, f)))
	defer stopWanted()
	told := func() (facts.Pushed, error, bool) { return facts.Pushed{}, nil, false }
	if known {
		next, stop := iter.Pull2(r.db.Pushes.Pushed(ctx, r.s.Name, after, beyond))
		defer stop()
		told = next
	}
	e, err, more := wanted()
	t, terr, had := told()
	for more || had {
		if err := errors.Join(err, terr, ctx.Err()); err != nil {
			return nil, err
		}
		if p.size() >= chunkSize {
			return p, nil
		}
		switch {
		case !had || more && e.Key < t.Key:
			p.last = e.Key
			r.compare(p, &e, nil)
			e, err, more = wanted()
		case !more || t.Key < e.Key:
			p.last = t.Key
			r.left(p, t)
			t, terr, had = told()
		default:
			p.last = e.Key
			r.compare(p, &e, &t)
			e, err, more = wanted()
			t, terr, had = told()
		}
	}
	p.done = true
	return p, errors.Join(err, terr)
}

// compare plans for an address on the list; was is what the target was told of
// it, nil for nothing.
func (r *run) compare(p *plan, e *query.Suppression, was *facts.Pushed) {
	kind := export.KindOf(e)
	list := r.s.Service.list(kind)
	switch {
	case was != nil && was.List == list:
		return
	case list == "":
		if was != nil {
			r.left(p, *was)
		}
		return
	case was != nil && was.Refused == "" && !r.s.Service.replaces && r.s.Service.remove != nil:
		p.remove = append(p.remove, *was)
	}
	if why := r.profile.Refuses(e); why != "" {
		r.Refused++
		p.told = append(p.told, facts.Pushed{Key: e.Key, Address: e.Address, List: list, Refused: why})
		return
	}
	if p.add[list] == nil {
		p.lists = append(p.lists, list)
	}
	p.add[list] = append(p.add[list], Item{Name: e.Key, Kind: kind, Suppression: *e})
}

// left plans for an address that the target was told of and that may be mailed
// again.
func (r *run) left(p *plan, was facts.Pushed) {
	switch {
	case was.Refused != "":
		p.gone = append(p.gone, was.Key)
	case r.s.Service.remove == nil:
		r.Stuck++
	default:
		p.remove = append(p.remove, was)
	}
}

// carryOut tells the target. Removals come first: an address that moves from
// one list to another must be on the new one in the end.
func (r *run) carryOut(ctx context.Context, p *plan) error {
	if r.dry {
		r.Removed += len(p.remove)
		for _, items := range p.add {
			r.Added += len(items)
		}
		return nil
	}
	if len(p.told)+len(p.gone) > 0 {
		if err := r.db.Pushes.RecordPushed(ctx, r.s.Name, p.told, p.gone); err != nil {
			return err
		}
	}
	removals := map[string][]Item{}
	var lists []string
	for _, was := range p.remove {
		if removals[was.List] == nil {
			lists = append(lists, was.List)
		}
		removals[was.List] = append(removals[was.List], Item{Name: was.Address, Suppression: query.Suppression{Key: was.Key}})
	}
	for _, list := range lists {
		if err := r.batches(ctx, list, removals[list], r.removeBatch); err != nil {
			return err
		}
	}
	for _, list := range p.lists {
		if err := r.batches(ctx, list, p.add[list], r.addBatch); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) batches(ctx context.Context, list string, items []Item, do func(context.Context, string, []Item) error) error {
	for size := r.s.batch(); len(items) > 0; {
		n := min(size, len(items))
		if err := do(ctx, list, items[:n]); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

func (r *run) addBatch(ctx context.Context, list string, items []Item) error {
	refused, err := r.tell(ctx, r.s.Service.add, list, items)
	if err != nil {
		return err
	}
	told := make([]facts.Pushed, len(items))
	for i := range items {
		told[i] = facts.Pushed{Key: items[i].Key, Address: items[i].Name, List: list, Refused: refused[i]}
		if refused[i] == "" {
			r.Added++
		} else {
			r.Refused++
		}
	}
	return r.db.Pushes.RecordPushed(ctx, r.s.Name, told, nil)
}

func (r *run) removeBatch(ctx context.Context, list string, items []Item) error {
	refused, err := r.tell(ctx, r.s.Service.remove, list, items)
	if err != nil {
		return err
	}
	var told []facts.Pushed
	var gone []string
	for i := range items {
		if refused[i] == "" {
			r.Removed++
			gone = append(gone, items[i].Key)
			continue
		}
		r.Refused++
		told = append(told, facts.Pushed{Key: items[i].Key, Address: items[i].Name, List: list, Refused: "stays there: " + refused[i]})
	}
	return r.db.Pushes.RecordPushed(ctx, r.s.Name, told, gone)
}

// tell hands items to the service. A request that is refused for its content
// is halved until the addresses stand alone that the target does not take.
func (r *run) tell(ctx context.Context, f tell, list string, items []Item) ([]string, error) {
	refused, err := f(ctx, r.conn, list, items)
	var no *Refusal
	switch {
	case err == nil && refused == nil:
		refused = make([]string, len(items))
	case err == nil:
	case !errors.As(err, &no) || !no.content():
		return nil, err
	case len(items) > 1:
		half := len(items) / 2
		first, err := r.tell(ctx, f, list, items[:half])
		if err != nil {
			return nil, err
		}
		second, err := r.tell(ctx, f, list, items[half:])
		return append(first, second...), err
	default:
		refused = []string{no.Error()}
	}
	for _, why := range refused {
		if why == "" {
			r.taken++
		} else {
			r.refused, r.said = r.refused+1, why
		}
	}
	if r.taken == 0 && r.refused >= hopeless {
		return nil, fmt.Errorf("the target refuses every address, the last one so: %s (look at the settings of the push)", r.said)
	}
	return refused, nil
}
