package policy

import "time"

// Circumstances are the windows of all concentrations and the operators'
// rulings about them, found by what they concern.
type Circumstances struct {
	windows map[subject][]Window
	rulings map[subject][]ranked
}

// subject is what one concentration is about.
type subject struct {
	kind WindowKind
	name string
}

// ranked is a ruling with its place among all: the first in order holds.
type ranked struct {
	Ruling
	rank int
}

// NewCircumstances prepares windows and rulings, the latest ruling first.
func NewCircumstances(windows []Window, rulings []Ruling) *Circumstances {
	c := &Circumstances{windows: map[subject][]Window{}, rulings: map[subject][]ranked{}}
	for _, w := range windows {
		s := subject{w.Kind, w.Subject}
		c.windows[s] = append(c.windows[s], w)
	}
	for i, r := range rulings {
		s := subject{r.Kind, r.Subject}
		c.rulings[s] = append(c.rulings[s], ranked{r, i})
	}
	return c
}

// Surround sets the circumstance of an event of an address.
func (c *Circumstances) Surround(e *Event, key string) {
	if c == nil {
		return // they are as the caller set them
	}
	e.Circumstance, e.HeldUntil = Ordinary, time.Time{}
	if e.Concern+e.Forgeable == "" || len(c.windows)+len(c.rulings) == 0 {
		return
	}
	if r, ok := c.ruling(e, key); ok {
		if !r.Release {
			e.Circumstance = Discounted
		}
		return
	}
	for i := range concentrations {
		k := &concentrations[i]
		for _, w := range c.windows[k.subject(e, key)] {
			if e.At.Before(w.Start) || !e.At.Before(w.Until) {
				continue
			}
			switch k.Effect {
			case Discounts:
				e.Circumstance, e.HeldUntil = Discounted, time.Time{}
				return
			case Waits:
				e.Circumstance = Waiting
				continue
			case Holds:
				e.Circumstance = max(e.Circumstance, Held)
			}
			if w.Until.After(e.HeldUntil) {
				e.HeldUntil = w.Until
			}
		}
	}
}

// ruling is the latest one about an event.
func (c *Circumstances) ruling(e *Event, key string) (latest ranked, ok bool) {
	if len(c.rulings) == 0 {
		return latest, false
	}
	for i := range concentrations {
		for _, r := range c.rulings[concentrations[i].subject(e, key)] {
			if !e.At.Before(r.Start) && e.At.Before(r.End) && (!ok || r.rank < latest.rank) {
				latest, ok = r, true
			}
		}
	}
	return latest, ok
}

// subject is what an event of an address concerns; none where the
// concentration does not count it.
func (c *Concentration) subject(e *Event, key string) subject {
	t := Traits{key, e.Concern, e.Operator, e.Forgeable}
	if !c.Counts(t) {
		return subject{}
	}
	return subject{c.Kind, t.Of(c.Subject)}
}

// Covers tells whether an event of an address lies in the window.
func (w *Window) Covers(e *Event, key string) bool {
	c, ok := Concentrated(w.Kind)
	return ok && c.subject(e, key) == subject{w.Kind, w.Subject} && !e.At.Before(w.Start) && e.At.Before(w.Until)
}
