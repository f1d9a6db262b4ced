package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"harvester/parse/count"
	"harvester/schedule/diagnose/resolve"
	"harvester/schedule/diagnose/spf"
)

const maxShown = 2048 // bytes of one value

var states = map[resolve.State]string{resolve.Unknown: "unknown", resolve.Found: "found", resolve.NoData: "no_data", resolve.NXDomain: "nxdomain"}

// measured is an answer as a measurement.
func measured(a *resolve.Answer, note string) Measurement {
	m := Measurement{What: a.Type + " " + a.Name, State: states[a.State], Values: []string{}, TTL: int(a.TTL / time.Second), Resolver: a.Server, At: a.At, Note: note}
	if a.State == resolve.Unknown && note == "" {
		m.Note = a.Why
	}
	for _, v := range first(a.Values, 20) {
		m.Values = append(m.Values, cut(v))
	}
	slices.Sort(m.Values) // resolvers turn them round
	if len(a.Chain) > 0 {
		m.Note = strings.TrimPrefix(m.Note+"; by CNAME to "+a.Chain[len(a.Chain)-1], "; ")
	}
	return m
}

func measuredAll(answers []resolve.Answer) (out []Measurement) {
	for i := range answers {
		out = append(out, measured(&answers[i], ""))
	}
	return out
}

// looked is what a look at the returned mail showed.
func (c *Checker) looked(what, value, note string) Measurement {
	m := Measurement{What: what, State: "found", Values: []string{cut(value)}, At: c.Now().UTC(), Note: note}
	if value == "" {
		m.State, m.Values = "no_data", []string{}
	}
	return m
}

func cut(s string) string {
	if len(s) > maxShown {
		return strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return s
}

// finding begins a finding about a claim.
func (c *Checker) finding(ev *Evidence, id string, v Verdict, owner Owner, format string, args ...any) Finding {
	f := Finding{ID: id, Verdict: v, Owner: owner, Answer: fmt.Sprintf(format, args...), Steps: []string{}, Records: []Change{}, Measured: []Measurement{}}
	if ev != nil {
		f.Incident, f.Cost = ev.Incident, ev.Cost
		if ev.Claim.Count > 0 {
			claim := ev.Claim
			claim.Sentence = cut(claim.Sentence)
			f.Claim = &claim
		}
	}
	return f
}

// cannotTell is a finding where DNS did not say.
func (c *Checker) cannotTell(ev *Evidence, check, what string, a *resolve.Answer) Finding {
	f := c.finding(ev, check+".unknown", CannotTell, Nobody, "%s can't be checked: %s", what, a.Why)
	f.Measured = append(f.Measured, measured(a, ""))
	f.Steps = append(f.Steps, "Try again later. If it goes on, look at the resolver, then at the name servers of the domain.")
	return f
}

// fine is the verdict where nothing is wrong now: mended since, when it was
// seen wrong before; else refuted.
func (c *Checker) fine(ev *Evidence, id string, wrong func(Earlier) bool, name, typ, answer string) Finding {
	f := c.finding(ev, id, Refuted, Nobody, "%s", answer)
	if c.History == nil || wrong == nil {
		if f.Claim != nil {
			f.Answer += notKnown
		}
		return f
	}
	for _, e := range c.History(name, typ) {
		if !wrong(e) {
			continue
		}
		f.Verdict = Mended
		f.Answer += fmt.Sprintf("; it was wrong until %s", stamp(e.Last))
		f.Measured = append(f.Measured, Measurement{What: typ + " " + name, State: e.State, Values: e.Values, At: e.Last, Note: "as it was seen before"})
		return f
	}
	f.name, f.typ = name, typ
	return f
}

// steady says that a record which is right now stood so when the receiver
// refused, where the history shows the same record then.
func (c *Checker) steady(ev *Evidence, f *Finding) {
	if f.name == "" || f.Claim == nil || f.Verdict != Refuted {
		return
	}
	list := c.History(f.name, f.typ)
	if len(list) == 0 || list[0].First.After(ev.Claim.First) {
		return
	}
	same := func(e Earlier) bool {
		if f.typ == LifeType { // it keeps a state and no record
			return e.State == "found"
		}
		return slices.ContainsFunc(f.Measured, func(m Measurement) bool {
			return m.What == f.typ+" "+f.name && m.State == e.State && slices.Equal(m.Values, slices.Sorted(slices.Values(e.Values)))
		})
	}
	if !same(list[0]) {
		return
	}
	since := list[0].First
	for _, e := range list[1:] {
		if !same(e) {
			break
		}
		since = e.First
	}
	f.Answer += fmt.Sprintf("; it has been so since %s, before the receiver refused", stamp(since))
}

// notKnown is said of what nobody looked at before.
const notKnown = "; how it stood when the receiver refused is not known"

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// lasting is a TTL in words.
func lasting(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return count.Of(int(d.Round(time.Hour)/time.Hour), "hour")
	case d >= time.Minute:
		return count.Of(int(d.Round(time.Minute)/time.Minute), "minute")
	}
	return count.Of(int(d/time.Second), "second")
}

// zoneLine is a record as a line of a zone file.
func zoneLine(name, typ, value string) string {
	if typ != "TXT" {
		return fmt.Sprintf("%s 3600 IN %s %s", name, typ, value)
	}
	var parts []string
	for rest := value; ; {
		n := min(len(rest), 255)
		parts = append(parts, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(rest[:n])+`"`)
		if rest = rest[n:]; rest == "" {
			break
		}
	}
	return fmt.Sprintf("%s 3600 IN TXT %s", name, strings.Join(parts, " "))
}

func change(name, typ string, before []string, after string) Change {
	name = canonical(name) + "."
	c := Change{Name: name, Type: typ, Before: slices.Clone(before), After: after}
	if before == nil {
		c.Before = []string{}
	}
	for i := range c.Before {
		c.Before[i] = cut(c.Before[i])
	}
	if after != "" {
		c.Zone = zoneLine(name, typ, after)
	}
	return c
}

// recheck is after which time asking again can show a change.
func recheck(answers ...resolve.Answer) int {
	longest := time.Hour
	for i := range answers {
		longest = max(longest, answers[i].TTL)
	}
	return int(longest / time.Second)
}

// Rank orders findings: what is to mend first, the dearest before others.
func Rank(list []Finding) {
	order := map[Verdict]int{Confirmed: 0, CannotTell: 1, Mended: 2, Refuted: 3}
	cost := func(f *Finding) int {
		if f.Cost == nil {
			return 0
		}
		return f.Cost.Mails
	}
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b2i(!a.Open()), b2i(!b.Open())), cmp.Compare(cost(&b), cost(&a)), cmp.Compare(a.Incident, b.Incident),
			cmp.Compare(b2i(a.Advice), b2i(b.Advice)), cmp.Compare(order[a.Verdict], order[b.Verdict]))
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// treeMeasured are the answers of a tree, the domain's own first.
func treeMeasured(t *spf.Tree) (out []Measurement) {
	if t.Answer.Name == "" {
		return nil
	}
	out = append(out, measured(&t.Answer, ""))
	for i := range t.Terms {
		out = append(out, measuredAll(t.Terms[i].Asked)...)
		if t.Terms[i].Child != nil {
			out = append(out, treeMeasured(t.Terms[i].Child)...)
		}
	}
	return first(out, 40)
}

// withMeasured gives the first finding all measurements; the others name the
// same ones by their subject.
func withMeasured(list []Finding, seen []Measurement) []Finding {
	for i := range list {
		if len(list[i].Measured) < len(seen) {
			list[i].Measured = append(list[i].Measured, seen...)
		}
	}
	return list
}
