package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/rules"
	"harvester/store/policy"
	"harvester/store/query"
)

// explanation is what `explain --json` prints of an address.
type explanation struct {
	*query.Explanation
	Events []eventView `json:"events"`
}

// eventView is an event with what spoke for a reason in its reply.
type eventView struct {
	*query.ExplainedEvent
	Marked     string     `json:"marked"`     // the diagnostic with the evidence between >> and <<
	Precedence []stepView `json:"precedence"` // by the active rules, the winner first
	ReadBy     string     `json:"read_by"`    // version of the active rules
	ReadNow    string     `json:"read_now"`   // reason that the active rules give
}

// stepView is a step of the precedence as JSON prints it.
type stepView struct {
	Tier     string        `json:"tier"`
	Rule     string        `json:"rule"`
	Reason   bounce.Reason `json:"reason"`
	Evidence string        `json:"evidence"`
	Won      bool          `json:"won"`
	Why      string        `json:"why"`
}

func (e *explainer) eventView(x *query.ExplainedEvent) eventView {
	v := eventView{ExplainedEvent: x, Marked: x.Marked(">>", "<<"), Precedence: []stepView{}, ReadBy: e.set.RulesVersion(), ReadNow: x.Reason.String()}
	if !readable(x.Diagnostic, x.Confidence, x.Reason) || x.Action != bounce.Failed && x.Action != bounce.Delayed {
		return v
	}
	q := rules.Query{Text: x.Diagnostic, RemoteMTA: x.RemoteMTA, ReportingMTA: x.ReportingMTA, Status: x.Status, Action: x.Action}
	v.ReadNow = e.set.Rules().Classify(q).Reason.String()
	for _, s := range e.set.Rules().Why(q) {
		v.Precedence = append(v.Precedence, stepView(s))
	}
	return v
}

// verdictWords say what a state means for the sender.
func verdictWords(s policy.State) string {
	switch s {
	case policy.Suppressed:
		return "must not be mailed"
	case policy.HeldBack:
		return "held: would be suppressed, but for a burst around it"
	case policy.Allowed:
		return "may be mailed: the operator allowed it"
	}
	return "may be mailed"
}

func (e *explainer) text(x *explanation) {
	c := e.colours(e.Out)
	verdict := verdictWords(x.State)
	if x.State == policy.Suppressed {
		verdict = c.red(verdict)
	}
	e.line("%s: %s", c.bold(printable(x.Address)), verdict)
	if e.whyNot && x.WhyNot != nil {
		for _, why := range x.WhyNot {
			e.field("why not", why)
		}
		return
	}
	e.standing(x)
	if len(x.Events) == 0 {
		e.line("\nNo event is stored about it.")
	}
	for i := range x.Events {
		e.event(&x.Events[i], c)
	}
	for _, o := range x.Overrides {
		undone := ""
		if o.Undone {
			undone = " (taken back)"
		}
		if !o.Entry.IsZero() {
			e.imported(&o, undone)
			continue
		}
		e.line("\n%s  operator: %s %s%s (act %d)", e.stamp(o.At), o.Act, printable(o.Pattern), undone, o.ID)
		e.field("reason", o.Reason)
		e.field("by", o.Author)
	}
	e.line("")
}

// imported shows what the list of another system said.
func (e *explainer) imported(o *policy.Override, undone string) {
	what := o.Entry.Source.String()
	if o.Entry.Source == policy.SourceBounce {
		what += ", " + o.Entry.Cause.String()
	}
	if !o.Entry.Since.IsZero() {
		what += ", of " + e.day(o.Entry.Since)
	}
	e.line("\n%s  import:%d says: %s%s (act %d)", e.stamp(o.At), o.Entry.Import, what, undone, o.ID)
	e.field("words", o.Reason)
	e.field("by", o.Author)
}

// standing is what holds for the address, and on what it rests.
func (e *explainer) standing(x *explanation) {
	e.field("why", x.Why)
	for _, s := range x.Listed {
		e.field("listed", fmt.Sprintf("%s (%s) since %s, expires %s, for %s", s.Reason, s.Source, e.day(s.Since), e.expiry(s.Expires), scopeText(s)))
		if len(x.Standing) == 0 { // forgotten, or by an act on the domain
			e.field("policy", s.Line)
		}
	}
	for _, s := range x.Standing {
		e.field("policy", fmt.Sprintf("%s (%s)", s.Line, s.Origin))
		switch n := len(s.Events); {
		case s.Import != 0:
			e.field("rests on", fmt.Sprintf("import:%d, see harvester suppress list --imports", s.Import))
		case s.Override != 0:
			e.field("rests on", fmt.Sprintf("act %d of the operator", s.Override))
		case n > 0:
			e.field("rests on", fmt.Sprintf("%s, %s to %s", numbered(s.Events), e.day(s.Since), e.day(s.LastSeen)))
		}
	}
	for _, c := range x.Counters {
		e.field("counter", c.String())
	}
	for _, w := range x.Windows {
		what := "held until " + e.stamp(w.Until)
		switch c, _ := policy.Concentrated(w.Kind); c.Effect {
		case policy.Discounts:
			what = "without weight until " + e.stamp(w.Until)
		case policy.Waits:
			what = "waits: harvester holds release or drop"
		case policy.Holds:
		}
		e.field("burst", w.ID()+", "+what)
	}
	for _, r := range x.Rulings {
		what := "dropped"
		if r.Release {
			what = "released"
		}
		e.field("ruling", fmt.Sprintf("%s of %s from %s on: %s by the operator", r.Kind, r.Subject, e.stamp(r.Start), what))
	}
	for _, f := range x.Exports {
		e.field("exported", fmt.Sprintf("by %s, generation %d, %s", f.Name, f.Generation, e.stamp(f.At)))
	}
	if x.Stopped != nil {
		e.field("exports", fmt.Sprintf("stopped since %s: %s; harvester ack releases them", e.stamp(x.Stopped.At), x.Stopped.Why))
	}
	for _, why := range x.WhyNot {
		e.field("why not", why)
	}
	for _, change := range x.Changes {
		e.field("changes", change)
	}
}

func numbered(ids []int64) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = fmt.Sprint(id)
	}
	if len(ids) == 1 {
		return "event:" + words[0]
	}
	return "events " + strings.Join(words, ", ")
}

func scopeText(s query.Suppression) string {
	switch s.Scope {
	case policy.ScopeMarketing:
		return "all marketing streams"
	case policy.ScopeStream:
		if s.Stream == "" {
			return "the stream that sent"
		}
		return "stream " + s.Stream
	}
	return "all streams"
}

// mostLosers bounds how many lost steps the text shows; JSON has them all.
const mostLosers = 5

func (e *explainer) event(v *eventView, c colours) {
	x := v.ExplainedEvent
	what := c.bold(x.Kind.String())
	if x.Action != bounce.ActionNone {
		what += ", " + x.Action.String()
	}
	e.line("\n%s  %s (event:%d, message:%d)", e.stamp(x.At), what, x.ID, x.Message)
	if x.Action == bounce.Failed || x.Action == bounce.Delayed {
		e.field("reason", verdictText(x.Reason, x.Class, c))
	}
	e.field("codes", codesText(x.ReplyCode, x.Status))
	e.field("said by", x.RemoteMTA)
	e.field("reply", v.Marked)
	if v.Marked == x.Diagnostic { // it stands elsewhere, or in other letters
		e.field("matched", x.Evidence)
	}
	e.field("rule", fmt.Sprintf("%s (%s, pack %s)", cmp.Or(x.Rule, "none"), x.Confidence, cmp.Or(x.RulePack, "unknown")))
	if v.ReadNow != x.Reason.String() {
		e.field("now", fmt.Sprintf("the active pack %s reads it as %s; harvester reclassify shows what follows", v.ReadBy, v.ReadNow))
	}
	e.losers(v.Precedence)
	e.field("whom", x.Whom)
	e.field("proof", fmt.Sprintf("%s: %s", x.Proof, x.ProofWhy))
	e.field("stream", x.Stream)
	e.field("incident", x.Incident)
	e.field("policy", x.Line)
	e.field("beside", x.Beside)
	switch {
	case x.Counted:
		e.field("weight", "counted")
	case x.DuplicateOf != 0:
		e.field("weight", fmt.Sprintf("none: %s, event:%d", x.Why, x.DuplicateOf))
	default:
		e.field("weight", "none: "+x.Why)
	}
	e.field("notice", strings.TrimSpace(x.MessageID+" "+x.Subject))
	for _, place := range x.Places {
		e.field("found at", place.String())
	}
}

// losers are the steps of the precedence that were beaten.
func (e *explainer) losers(steps []stepView) {
	steps = slices.DeleteFunc(slices.Clone(steps), func(s stepView) bool { return s.Won })
	for i, s := range steps {
		if i == mostLosers {
			e.field("lost", fmt.Sprintf("%d more; --json shows them", len(steps)-i))
			break
		}
		e.field("lost", fmt.Sprintf("%s (%s, %s): %q %s", cmp.Or(s.Rule, "no rule"), s.Tier, s.Reason, s.Evidence, strings.TrimPrefix(s.Why, "lost: ")))
	}
}
