package policy

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"harvester/parse/bounce"
)

// State is what holds for an address.
type State uint8

// The states, weakest first.
const (
	Clear      State = iota // may be mailed
	HeldBack                // would be suppressed, but for a burst around it
	Suppressed              // must not be mailed
	Allowed                 // the operator overruled every evidence
)

var stateNames = []string{"clear", "held", "suppressed", "allowed"}

func (s State) String() string { return word(stateNames, int(s)) }

// MarshalText writes the stable word that JSON and SQL use.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (s *State) UnmarshalText(b []byte) error { return find(s, stateNames, "state", b) }

// Episode is one stretch of time in which evidence of one family, or the
// operator, speaks against an address.
type Episode struct {
	Source    Source
	Family    string
	Line      Line
	Stream    string    // "" unless the line's scope is one stream
	Since     time.Time // of the event that met the line
	LastSeen  time.Time
	Expires   time.Time // zero: never
	Count     int       // counted events
	Held      bool
	Waiting   bool          // held, and no later failure of the same burst confirms it: the operator decides
	HeldUntil time.Time     // zero where it waits for the operator
	Trigger   int           // index into Verdict.Events of the event that met the line; -1 for the operator's act
	Counted   []int         // indices into Verdict.Events
	Override  int64         // the operator's act
	Import    int64         // that brought it; 0: none
	Cause     bounce.Reason // of an imported bounce
	End       string        // of a past one: why it ended
}

// Note says what became of one event.
type Note struct {
	Line        string // the policy line it falls under; "" when it is no evidence
	Counted     bool
	Why         string // why it has no weight; "" when it was counted
	Beside      string // why what its domain's edge says needs no second failure; "" where it does
	DuplicateOf int    // index into Verdict.Events; -1 when it is the first
}

// Counter is how far the events of one family are from their policy line.
type Counter struct {
	Family string    `json:"family"`
	Stream string    `json:"stream,omitempty"` // where the line's scope is one stream
	Line   string    `json:"line"`             // in words
	Count  int       `json:"count"`            // days that count at the time asked for
	After  int       `json:"after"`            // that it takes
	Lapses time.Time `json:"lapses,omitzero"`  // when the oldest of them leaves the window
}

// Verdict is the answer for one address.
type Verdict struct {
	State    State
	Why      string    // for Allowed and for a protected address
	Episodes []Episode // in force at the time asked for, the strongest of a source first
	Past     []Episode // expired, lifted or dropped ones, oldest first
	Counters []Counter // of what counts, and is short of its line
	Events   []Event   // the history in the order in which it was counted
	Notes    []Note    // one per event
}

// Fold decides about single addresses: what follows from the facts follows
// here and nowhere else. The same facts give the same verdict on any machine.
type Fold struct {
	Table  Table
	Own    []string       // domain keys of ours
	Around *Circumstances // nil: the events carry theirs
	Now    time.Time      // what lies after it is ignored
}

// Decide folds what is stored about the address behind key into a verdict:
// its events, in any order, and every act that covers it and was not undone.
// Days are days in UTC. A protected address is never listed, whatever its
// events say. It sorts events and sets their circumstances; it costs O(n log n).
func (d *Fold) Decide(key string, events []Event, acts []Override) Verdict {
	for i := range events {
		d.Around.Surround(&events[i], key)
	}
	v := d.evaluate(events, acts)
	if why := Protected(key, d.Own); why != "" {
		v.State, v.Why, v.Episodes = Clear, why, nil
	}
	return v
}

func (d *Fold) evaluate(history []Event, overrides []Override) Verdict {
	f := fold{table: d.Table}
	f.Events = history[:0]
	for _, e := range history {
		if !e.At.After(d.Now) {
			if e.Beside.After(d.Now) {
				e.Beside = time.Time{} // not known yet
			}
			f.Events = append(f.Events, e)
		}
	}
	slices.SortFunc(f.Events, byTime)
	acts := make([]Override, 0, len(overrides))
	for _, o := range overrides {
		if !o.At.After(d.Now) && !o.Undone {
			acts = append(acts, o)
		}
	}
	slices.SortFunc(acts, func(a, b Override) int {
		return cmp.Or(a.When().Compare(b.When()), cmp.Compare(a.ID, b.ID))
	})
	f.Notes = make([]Note, len(f.Events))
	next := 0
	for i := range f.Events {
		for ; next < len(acts) && !acts[next].When().After(f.Events[i].At); next++ {
			f.act(&acts[next])
		}
		f.event(i)
	}
	for ; next < len(acts); next++ {
		f.act(&acts[next])
	}
	f.finish(acts, d.Now)
	return f.Verdict
}

func byTime(a, b Event) int {
	return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Hash, b.Hash), cmp.Compare(a.Index, b.Index))
}

// group is what counts together. Families that hold for one stream only are
// counted for each stream by itself.
type group struct{ family, stream string }

type tally struct {
	group
	events []int // indices of events with weight, one a day
	times  int   // episodes so far, for lines that grow
	open   *Episode
}

type fold struct {
	Verdict
	table  Table
	groups []*tally // as first seen; an address has few
	seen   map[sighting]int
}

// act applies what an operator did at this point of the history.
func (f *fold) act(o *Override) {
	if !o.Entry.IsZero() {
		f.imported(o)
		return
	}
	switch o.Act {
	case Remove:
		f.lift("the operator removed it", func(Episode) bool { return true })
	case Add:
		t := f.tally(group{family: "operator"})
		f.close(t, "the operator decided again")
		line := Line{Name: "operator", Suppress: true, After: 1, Scope: ScopeAddress, Origin: o.Author}
		t.open = &Episode{Source: SourceOperator, Family: "operator", Line: line, Since: o.At, LastSeen: o.At,
			Expires: o.Until, Count: 1, Trigger: -1, Override: o.ID}
	case Allow, Undo:
	}
}

// lift forgets what was counted so far in the episodes that match.
func (f *fold) lift(why string, match func(Episode) bool) {
	for _, t := range f.groups {
		if !match(Episode{Source: sourceOf(t.family)}) {
			continue
		}
		f.close(t, why)
		t.events, t.times = nil, 0
	}
}

func (f *fold) close(t *tally, why string) {
	if t.open != nil {
		t.open.End = why
		f.Past = append(f.Past, *t.open)
		t.open = nil
	}
}

func (f *fold) tally(g group) *tally {
	for _, t := range f.groups {
		if t.group == g {
			return t
		}
	}
	t := &tally{group: g}
	f.groups = append(f.groups, t)
	return t
}

func (f *fold) event(i int) {
	e, n := &f.Events[i], &f.Notes[i]
	n.DuplicateOf = -1
	if success(e) {
		// Whoever can take addresses off the list makes us mail the dead: what
		// anybody can write is not enough, whatever failures ask for.
		if least := max(ProofAuthentic, f.table.must(e.Stream, bounce.UserUnknown.String()).Proof); e.Proof < least {
			n.Why = "a success whose proof is " + e.Proof.String() + " and not " + least.String() + ": " + cmp.Or(e.Doubt, "anybody can write that")
			return
		}
		n.Line, n.Why = "delivered", "a success: what failed before counts no more"
		f.lift(DeliveredSince, func(ep Episode) bool { return ep.Source == SourceBounce })
		return
	}
	line, ok := f.table.Line(*e)
	if !ok {
		n.Why = "no evidence: " + e.Kind.String()
		if e.Kind == bounce.KindBounce {
			n.Why = "no evidence: the recipient did not fail"
		}
		return
	}
	n.Line = line.Name
	if !e.Beside.IsZero() {
		n.Beside = "other addresses of the domain are being accepted, one on " + e.Beside.UTC().Format(time.DateOnly)
	}
	family := familyOf(*e)
	if e.Proof < line.Proof && !e.Accepted {
		if family == "unsubscribe" {
			n.Why = "an opt-out waits for you: nothing proves who sent it (harvester optouts)"
			return
		}
		n.Why = "no proof that we sent the mail: " + cmp.Or(e.Doubt, e.Proof.String()) + ", the policy asks for " + line.Proof.String()
		return
	}
	if first, dup := f.first(family, i); dup {
		n.DuplicateOf, n.Why = first, "another notice for a mail that was counted"
		return
	}
	switch {
	case !line.Suppress:
		n.Why = "the policy never suppresses for " + line.Name
		return
	case e.Circumstance == Discounted:
		n.Why = "part of an incident of our own: it has no weight"
		return
	case e.Lives != "" && e.Reason == bounce.DomainUnknown:
		n.Why = e.Lives
		return
	}
	g := group{family: family}
	if line.Scope == ScopeStream {
		g.stream = e.Stream
	}
	f.count(f.tally(g), i, line, g.stream)
}

// first finds the first event of the family for the same mail. Two groups in
// one notice, two notices with other bytes, and a signed return path that is
// used again, are one event.
func (f *fold) first(family string, i int) (int, bool) {
	e := &f.Events[i]
	ways := [3]sighting{{family: family, notice: e.Notice}, {family: family, message: e.Message}, {family: family, token: e.Token}}
	for _, w := range ways {
		if first, ok := f.seen[w]; ok && w.names() {
			return first, true
		}
	}
	if len(f.Events) == 1 {
		return 0, false // nothing comes that could be another notice
	}
	if f.seen == nil {
		f.seen = make(map[sighting]int, 2*len(f.Events))
	}
	for _, w := range ways {
		if w.names() {
			f.seen[w] = i
		}
	}
	return 0, false
}

// sighting is one way to tell that two notices of a family are about one mail.
type sighting struct {
	family, message, token string
	notice                 int64
}

func (s sighting) names() bool { return s.notice != 0 || s.message != "" || s.token != "" }

// count adds an event with weight to its group and opens or prolongs an
// episode when its line is met.
func (f *fold) count(t *tally, i int, line Line, stream string) {
	e, n := &f.Events[i], &f.Notes[i]
	if t.open != nil && !t.open.Expires.IsZero() && e.At.After(t.open.Expires) {
		f.close(t, expired)
		t.events = nil // what expired does not count twice
	}
	n.Counted = true
	if k := len(t.events); k > 0 && f.Events[t.events[k-1]].At.Unix()/86400 == e.At.Unix()/86400 {
		n.Counted, n.Why = false, "counted once a day"
	}
	t.events = append(t.events, i)
	firm, all, free := f.window(t, i, line) // free is that of the last event, i
	met := func(counted []int) bool {
		return len(counted) >= line.After && len(counted) >= line.DistinctDays
	}
	switch {
	case free && met(firm):
		f.open(t, i, line, stream, firm, false)
	case met(all) && (t.open == nil || t.open.Held):
		f.open(t, i, line, stream, all, true)
	case t.open != nil && !t.open.Held && e.Circumstance == Ordinary:
		// Short of the line by itself, but more of what already stands.
		f.prolong(t.open, i)
	}
	switch {
	case e.Circumstance == Waiting:
		n.Counted, n.Why = false, waits
	case !free && n.Why == "":
		n.Why = "held: part of a burst, counts with a failure after " + e.HeldUntil.UTC().Format(time.DateTime)
	}
}

// window returns the events that count together with event i under line, the
// first of each day: all, and those that no burst holds any more. An event in
// a burst is firm when one before its window said the same: two failures apart
// confirm each other. Of what anybody can have made up nothing confirms anything.
func (f *fold) window(t *tally, i int, line Line) (firm, all []int, free bool) {
	e := &f.Events[i]
	lastFirm, lastAll := int64(-1), int64(-1)
	for _, j := range t.events {
		x := &f.Events[j]
		if line.Within != 0 && !x.At.After(e.At.Add(-line.Within.Of())) {
			continue
		}
		d := x.At.Unix() / 86400
		if d != lastAll {
			all, lastAll = append(all, j), d
		}
		switch x.Circumstance {
		case Waiting:
			free = false
		case Held:
			free = !x.HeldUntil.After(e.At) || j == i && len(firm) > 0
		default:
			free = true
		}
		if free && d != lastFirm {
			firm, lastFirm = append(firm, j), d
		}
	}
	return firm, all, free
}

func (f *fold) open(t *tally, i int, line Line, stream string, counted []int, held bool) {
	e := &f.Events[i]
	if t.open != nil && t.open.Held == held {
		if line.Expires == 0 || line.Expires > t.open.Line.Expires && t.open.Line.Expires != 0 {
			// Stronger evidence than what stands: it rests on this line from now on.
			t.open.Line, t.open.Trigger = line, i
		}
		f.prolong(t.open, i)
		return
	}
	f.close(t, "a second failure confirmed it")
	if !held {
		t.times++
		line.Expires = grown(line, t.times)
	}
	t.open = &Episode{Source: sourceOf(familyOf(*e)), Family: familyOf(*e), Line: line, Stream: stream, Since: e.At,
		Held: held, Trigger: i, Counted: slices.Clone(counted), Count: len(counted)}
	f.extend(t.open, e)
}

// prolong adds one more event to a standing episode.
func (f *fold) prolong(ep *Episode, i int) {
	e := &f.Events[i]
	if last := f.Events[ep.Counted[len(ep.Counted)-1]]; last.At.Unix()/86400 != e.At.Unix()/86400 {
		ep.Counted = append(ep.Counted, i)
		ep.Count++
	}
	f.extend(ep, e)
}

func (f *fold) extend(ep *Episode, e *Event) {
	ep.LastSeen = e.At
	if ep.Waiting = ep.Held && e.Circumstance == Waiting; ep.Waiting {
		ep.HeldUntil, ep.Expires = time.Time{}, e.At.Add(unconfirmed)
		return
	}
	if ep.Held {
		ep.HeldUntil = e.HeldUntil
		ep.Expires = e.HeldUntil.Add(unconfirmed)
		return
	}
	if ep.Line.Expires == 0 {
		ep.Expires = time.Time{}
	} else {
		ep.Expires = e.At.Add(ep.Line.Expires.Of())
	}
}

// expired is how most episodes end.
const expired = "it expired"

// waits is why an event has no weight that anybody can have made up.
const waits = "waits for you: anybody can have written the notice, and many such came at once (harvester holds)"

// DeliveredSince is how a success ends an episode.
const DeliveredSince = "delivered since"

// unconfirmed is how long after its window a held verdict waits for a second
// failure before it is dropped.
const unconfirmed = 90 * day

func grown(l Line, times int) Span {
	d := l.Expires
	if l.Grow == 0 {
		return d
	}
	for ; times > 1 && d < l.Grow; times-- {
		d *= 2
	}
	return min(d, l.Grow)
}

// finish sorts what stands at now from what is past, and applies "allow".
func (f *fold) finish(acts []Override, now time.Time) {
	for _, t := range f.groups {
		if t.open == nil {
			f.counter(t, now)
			continue
		}
		if !t.open.Expires.IsZero() && !t.open.Expires.After(now) {
			f.close(t, expired)
			continue
		}
		f.Episodes = append(f.Episodes, *t.open)
	}
	slices.SortStableFunc(f.Episodes, stronger)
	slices.SortStableFunc(f.Past, func(a, b Episode) int { return a.Since.Compare(b.Since) })
	for _, ep := range f.Episodes {
		if ep.Held {
			f.State = max(f.State, HeldBack)
		} else {
			f.State = Suppressed
		}
	}
	for _, o := range acts {
		if o.Act == Allow && (o.Until.IsZero() || o.Until.After(now)) {
			f.State, f.Why = Allowed, "allowed by "+o.Author+": "+o.Reason
		}
	}
}

// counter tells how far a group without a verdict is from one.
func (f *fold) counter(t *tally, now time.Time) {
	if len(t.events) == 0 {
		return
	}
	i := t.events[len(t.events)-1]
	line, _ := f.table.Line(f.Events[i])
	c := Counter{Family: t.family, Stream: t.stream, Line: line.String(), After: line.After}
	_, all, _ := f.window(t, i, line)
	for _, j := range all {
		leaves := f.Events[j].At.Add(line.Within.Of())
		if line.Within != 0 && !leaves.After(now) {
			continue
		}
		if c.Count++; c.Count == 1 && line.Within != 0 {
			c.Lapses = leaves
		}
	}
	if c.Count > 0 {
		f.Counters = append(f.Counters, c)
	}
}
