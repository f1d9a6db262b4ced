package policy

import (
	"fmt"
	"path"
	"sort"
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/count"
)

// Line is one line of the policy table: when evidence of one name suppresses
// an address, for how long and for whom.
type Line struct {
	Name         string `json:"name"` // a reason, "complaint" or "unsubscribe", with a qualifier such as ".code"
	Suppress     bool   `json:"suppress"`
	After        int    `json:"after"`         // counted events, at most one a day (UTC)
	Within       Span   `json:"within"`        // the window of After; 0: no limit
	DistinctDays int    `json:"distinct_days"` // days on which they must lie; 0: as they come
	Expires      Span   `json:"expires"`       // after the last counted event; 0: never
	Grow         Span   `json:"grow"`          // each further suppression lasts twice as long, up to this; 0: it does not grow
	Scope        Scope  `json:"scope"`
	Proof        Proof  `json:"proof"`  // the least proof of sending that counts
	Rules        string `json:"rules"`  // for a qualified line: globs of rule ids, separated by blanks
	Origin       string `json:"origin"` // "built in", or where the operator set it
}

// String is the line in words, as explain and the list show it.
func (l Line) String() string {
	if !l.Suppress {
		return l.Name + ": never suppresses"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: after %d", l.Name, l.After)
	if l.Within != 0 {
		fmt.Fprintf(&b, " in %v", l.Within)
	}
	if l.DistinctDays > 1 {
		fmt.Fprintf(&b, " on %s", count.Of(l.DistinctDays, "day"))
	}
	if l.Expires == 0 {
		b.WriteString(", for good")
	} else {
		fmt.Fprintf(&b, ", for %v", l.Expires)
	}
	if l.Grow != 0 {
		fmt.Fprintf(&b, " doubling to %v", l.Grow)
	}
	switch l.Scope {
	case ScopeAddress:
		b.WriteString(", all streams")
	case ScopeMarketing:
		b.WriteString(", marketing streams")
	case ScopeStream:
		b.WriteString(", its stream")
	}
	return b.String()
}

// Patch is what an operator changes in a line: [policy.REASON] of the
// configuration. A nil field leaves the built-in value.
type Patch struct {
	Suppress     *bool  `toml:"suppress"`
	After        *int   `toml:"after"`
	Within       *Span  `toml:"within"`
	DistinctDays *int   `toml:"distinct_days"`
	Expires      *Span  `toml:"expires"`
	Grow         *Span  `toml:"grow"`
	Scope        *Scope `toml:"scope"`
	Proof        *Proof `toml:"proof"`
}

// Table says what each kind of evidence does. The zero Table is the default
// one. A Table is never changed: With returns another.
type Table struct {
	lines   map[string]Line            // nil: the built-in lines
	streams map[string]map[string]Line // of single streams, over lines
}

// With returns the table with one line changed, for all streams or, when
// stream is not empty, for that one. origin says where it was asked for. The
// error says what contradicts.
func (t Table) With(stream, name string, p Patch, origin string) (Table, error) {
	old, ok := t.named(stream, name)
	if !ok {
		return t, fmt.Errorf("unknown policy line %q (a reason, \"complaint\" or \"unsubscribe\", or one of %s)", name, strings.Join(qualified(), ", "))
	}
	l := old
	l.Origin = origin
	set(&l.Suppress, p.Suppress)
	set(&l.After, p.After)
	set(&l.Within, p.Within)
	set(&l.DistinctDays, p.DistinctDays)
	set(&l.Expires, p.Expires)
	set(&l.Grow, p.Grow)
	set(&l.Scope, p.Scope)
	set(&l.Proof, p.Proof)
	if err := l.check(p); err != nil {
		return t, err
	}
	out := Table{lines: make(map[string]Line), streams: make(map[string]map[string]Line)}
	for _, l := range t.Lines("") {
		out.lines[l.Name] = l
	}
	for s, lines := range t.streams {
		out.streams[s] = make(map[string]Line)
		for n, l := range lines {
			out.streams[s][n] = l
		}
	}
	if stream == "" {
		out.lines[name] = l
		return out, nil
	}
	if out.streams[stream] == nil {
		out.streams[stream] = make(map[string]Line)
	}
	out.streams[stream][name] = l
	return out, nil
}

// Require returns the table with the least proof of every line that asks for
// any set to p, for all streams or, when stream is not empty, for that one.
// Opt-outs stay as they are. origin says where it was asked for.
func (t Table) Require(stream string, p Proof, origin string) Table {
	optOut := min(p, ProofAuthentic) // it encloses nothing that a ledger could know
	for _, l := range t.Lines(stream) {
		asked := &p
		if l.Name == "unsubscribe" {
			asked = &optOut
		}
		// It can contradict nothing: no other value is changed.
		t, _ = t.With(stream, l.Name, Patch{Proof: asked}, origin)
	}
	return t
}

// Lines returns the lines that hold for a stream ("" for all), by name.
func (t Table) Lines(stream string) []Line {
	names := make([]string, 0, len(builtin))
	for n := range builtin {
		names = append(names, n)
	}
	sort.Strings(names)
	out := make([]Line, len(names))
	for i, n := range names {
		out[i], _ = t.named(stream, n)
	}
	return out
}

// Line returns the line under which an event falls, and false for what is no
// evidence at all.
func (t Table) Line(e Event) (Line, bool) {
	switch e.Kind {
	case bounce.KindComplaint:
		switch strings.ToLower(e.Feedback) {
		case "opt-out", "opt-out-list":
			return t.must(e.Stream, "unsubscribe"), true
		case "not-spam", "auth-failure", "dmarc", "virus":
			return Line{}, false
		}
		return t.must(e.Stream, "complaint"), true
	case bounce.KindUnsubscribe:
		return t.must(e.Stream, "unsubscribe"), true
	case bounce.KindBounce:
		if e.Action != bounce.Failed {
			return Line{}, false
		}
	default:
		return Line{}, false
	}
	if e.Behind && e.Reason.Fault() == bounce.FaultRecipient {
		return t.must(e.Stream, behind), true
	}
	name := e.Reason.String()
	for _, q := range qualifiers[e.Reason] {
		if q == edge && !e.Beside.IsZero() {
			continue // the directory answers for the one address, not for the tenant
		}
		l := t.must(e.Stream, name+q)
		if q == ".code" && (e.Confidence < bounce.ByRule || e.Unread) || l.Rules != "" && matches(l.Rules, e.Rule) {
			return l, true
		}
	}
	return t.must(e.Stream, name), true
}

func (t Table) must(stream, name string) Line {
	l, _ := t.named(stream, name)
	return l
}

func (t Table) named(stream, name string) (Line, bool) {
	if l, ok := t.streams[stream][name]; ok {
		return l, true
	}
	if l, ok := t.lines[name]; ok {
		return l, true
	}
	l, ok := builtin[name]
	return l, ok
}

// check holds the promises that no configuration may break.
func (l Line) check(p Patch) error {
	reason, _, _ := strings.Cut(l.Name, ".")
	var r bounce.Reason
	known := r.UnmarshalText([]byte(reason)) == nil
	switch {
	case known && l.Suppress && !may(r):
		return fmt.Errorf("policy %s can't suppress: it is the fault of %v, and the address may be good", l.Name, who(r))
	case l.Suppress && l.After < 1:
		return fmt.Errorf("policy %s suppresses, but after %s: set after to 1 or more", l.Name, count.Of(l.After, "event"))
	case l.Within < 0 || l.Expires < 0 || l.Grow < 0:
		return fmt.Errorf("policy %s has a negative span", l.Name)
	case l.DistinctDays < 0:
		return fmt.Errorf("policy %s has distinct_days = %d: set 0 or more", l.Name, l.DistinctDays)
	case l.DistinctDays > l.After && p.DistinctDays != nil:
		return fmt.Errorf("policy %s wants %d distinct days of %s: at most one event a day is counted, raise after", l.Name, l.DistinctDays, count.Of(l.After, "event"))
	case l.Within != 0 && l.After > 1 && l.Within < Days(l.After-1):
		return fmt.Errorf("policy %s can never be met: at most one event a day is counted, and %d do not fit into %v", l.Name, l.After, l.Within)
	case l.Grow != 0 && l.Expires == 0:
		return fmt.Errorf("policy %s grows, but never expires", l.Name)
	case l.Grow != 0 && l.Grow < l.Expires:
		return fmt.Errorf("policy %s grows to %v, less than expires = %v", l.Name, l.Grow, l.Expires)
	case known && r.Fault() == bounce.FaultReceiver && l.Suppress && l.Expires == 0:
		return fmt.Errorf("policy %s would suppress for good what is the receiver's fault: set expires", l.Name)
	}
	return nil
}

// may tells whether evidence of r may ever speak against the address.
func may(r bounce.Reason) bool {
	switch r.Fault() {
	case bounce.FaultRecipient, bounce.FaultRecipientPolicy, bounce.FaultReceiver, bounce.FaultUnknown:
		return true
	case bounce.FaultSender, bounce.FaultMessage, bounce.FaultNone:
	}
	return false
}

func who(r bounce.Reason) string {
	switch r.Fault() {
	case bounce.FaultSender:
		return "the sender"
	case bounce.FaultMessage:
		return "this one message"
	case bounce.FaultNone:
		return "nobody (an echo of an earlier suppression)"
	case bounce.FaultUnknown, bounce.FaultRecipient, bounce.FaultRecipientPolicy, bounce.FaultReceiver:
	}
	return r.Fault().String()
}

func matches(globs, rule string) bool {
	for g := range strings.FieldsSeq(globs) {
		literal, _, _ := strings.Cut(g, "*") // most globs are told apart by it
		if !strings.HasPrefix(rule, literal) && !strings.ContainsAny(literal, `?[\`) {
			continue
		}
		if ok, err := path.Match(g, rule); err == nil && ok {
			return true
		}
	}
	return false
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// Streams are those that have lines of their own, by name.
func (t Table) Streams() []string {
	names := make([]string, 0, len(t.streams))
	for s := range t.streams {
		names = append(names, s)
	}
	sort.Strings(names)
	return names
}
