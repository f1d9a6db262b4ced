package policy

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Urgency says how soon a trouble wants somebody.
type Urgency uint8

// The urgencies, mildest first.
const (
	Soon Urgency = iota // at the next occasion
	Now                 // at any hour
)

var urgencyNames = []string{"warn", "crit"}

func (u Urgency) String() string { return word(urgencyNames, int(u)) }

// MarshalText writes the stable word that JSON uses.
func (u Urgency) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads the word that MarshalText writes.
func (u *Urgency) UnmarshalText(b []byte) error { return find(u, urgencyNames, "urgency", b) }

// Trouble is something that somebody should know of, as it stands.
type Trouble struct {
	ID      string  `json:"id"` // stable: "rate newsletter", "incident spf:example.org"
	Urgency Urgency `json:"urgency"`
	Title   string  `json:"title"`
	Next    string  `json:"next"`            // what to do
	Known   bool    `json:"known,omitempty"` // somebody said that he has seen it: no reminders
}

// Alarm is a trouble with what was told of it.
type Alarm struct {
	Trouble
	Opened time.Time `json:"opened"`
	Told   time.Time `json:"told,omitzero"` // zero: not yet
	As     Urgency   `json:"as"`            // that it was told with
	Gone   time.Time `json:"gone,omitzero"` // since when it is over; zero: it lasts
}

// News is what is to be told of one alarm.
type News struct {
	Alarm
	What string `json:"what"` // opened, worse, lasts, closed
}

// AlarmRules say when alarms are told.
type AlarmRules struct {
	Quiet bool          // now nobody wants to hear of what can wait
	Again time.Duration // after which an urgent one is told once more; 0: never
}

// Settle is how long a trouble must be over before its alarm closes: what
// comes and goes is one alarm.
const Settle = 30 * time.Minute

// Alarms compares what was known with the troubles of this moment. It returns
// what is known now, as if the news were told: who fails to tell them keeps the
// old list. Each alarm is told when it opens, grows urgent or closes, and never
// twice for the same.
func Alarms(known []Alarm, troubles []Trouble, now time.Time, r AlarmRules) (next []Alarm, news []News) {
	left := map[string]Trouble{}
	for _, t := range troubles {
		left[t.ID] = t
	}
	for _, a := range known {
		t, lasts := left[a.ID]
		delete(left, a.ID)
		if lasts {
			a.Trouble, a.Gone = t, time.Time{}
			a, news = tell(a, now, r, news)
			next = append(next, a)
			continue
		}
		if a.Gone.IsZero() {
			a.Gone = now
		}
		switch {
		case now.Sub(a.Gone) < Settle, !a.Told.IsZero() && r.Quiet:
			next = append(next, a)
		case !a.Told.IsZero():
			news = append(news, News{a, "closed"})
		}
	}
	for _, t := range left {
		var a Alarm
		a, news = tell(Alarm{Trouble: t, Opened: now}, now, r, news)
		next = append(next, a)
	}
	slices.SortFunc(next, func(a, b Alarm) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(news, func(a, b News) int { return cmp.Or(cmp.Compare(b.Urgency, a.Urgency), strings.Compare(a.ID, b.ID)) })
	return next, news
}

func tell(a Alarm, now time.Time, r AlarmRules, news []News) (Alarm, []News) {
	what := ""
	switch {
	case r.Quiet && a.Urgency < Now:
	case a.Told.IsZero():
		what = "opened"
	case a.Known:
	case a.Urgency > a.As:
		what = "worse"
	case a.Urgency == Now && r.Again > 0 && now.Sub(a.Told) >= r.Again:
		what = "lasts"
	}
	if what != "" {
		a.Told, a.As = now, a.Urgency
		news = append(news, News{a, what})
	}
	return a, news
}
