package policy

import (
	"cmp"
	"maps"
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
	ID      string    `json:"id"` // stable: "rate.newsletter", "incident.spf:example.org"
	Urgency Urgency   `json:"urgency"`
	Title   string    `json:"title"`
	Next    string    `json:"next"`            // what to do
	Since   time.Time `json:"since,omitzero"`  // zero: nobody can say
	Known   bool      `json:"known,omitempty"` // somebody said that he has seen it: no reminders
}

// Alarm is a trouble with what was told of it.
type Alarm struct {
	Trouble
	Opened time.Time          `json:"opened"`
	Gone   time.Time          `json:"gone,omitzero"` // since when it is over; zero: it lasts
	Told   map[string]Telling `json:"told"`          // by way, such as mail
}

// Telling is how an alarm was told last by one way.
type Telling struct {
	At      time.Time `json:"at"`
	As      Urgency   `json:"as"`
	Opening string    `json:"opening"` // the message that told it first
}

// Lasts tells that an alarm is not over.
func (a *Alarm) Lasts() bool { return a.Gone.IsZero() }

// The news that there can be of an alarm.
const (
	Opened = "opened"
	Worse  = "worse"
	Lasts  = "lasts"
	Closed = "closed"
)

// News is what is to be told of one alarm by one way.
type News struct {
	Alarm
	What string
	Last Telling // what was told before; zero: nothing
}

// weight orders news: what is over comes last.
func (n *News) weight() int {
	if n.What == Closed {
		return -1
	}
	return int(n.Urgency)
}

// AlarmRules say when alarms are told by one way.
type AlarmRules struct {
	Quiet bool          // now nobody wants to hear of what can wait
	Again time.Duration // after which an urgent one is told once more; 0: never
}

// Settle is how long a trouble must be over before its alarm closes: what
// comes and goes is one alarm.
const Settle = 30 * time.Minute

// Alarms are those that were known, brought up to date with the troubles of
// this moment, by ID.
func Alarms(known []Alarm, troubles []Trouble, now time.Time) []Alarm {
	left := map[string]Trouble{}
	for _, t := range troubles {
		left[t.ID] = t
	}
	next := []Alarm{}
	for _, a := range known {
		t, lasts := left[a.ID]
		delete(left, a.ID)
		switch {
		case lasts:
			a.Trouble, a.Gone = t, time.Time{}
		case a.Lasts():
			a.Gone = now
		}
		next = append(next, a)
	}
	for _, t := range left {
		opened := t.Since
		if opened.IsZero() {
			opened = now
		}
		next = append(next, Alarm{Trouble: t, Opened: opened, Told: map[string]Telling{}})
	}
	slices.SortFunc(next, func(a, b Alarm) int { return strings.Compare(a.ID, b.ID) })
	return next
}

// Due are the news that one way has to tell, the most urgent first and what is
// over last: of each alarm that it opened, grew urgent, lasts or is over, and
// never twice the same.
func Due(alarms []Alarm, way string, now time.Time, r AlarmRules) (news []News) {
	for _, a := range alarms {
		last, told := a.Told[way]
		what := ""
		switch {
		case a.Gone.IsZero() && r.Quiet && a.Urgency < Now:
		case a.Gone.IsZero() && !told:
			what = Opened
		case a.Gone.IsZero() && a.Urgency > last.As:
			what = Worse
		case a.Gone.IsZero() && a.Urgency == Now && !a.Known && r.Again > 0 && now.Sub(last.At) >= r.Again:
			what = Lasts
		case !a.Gone.IsZero() && told && !r.Quiet && now.Sub(a.Gone) >= Settle:
			what = Closed
		}
		if what != "" {
			news = append(news, News{a, what, last})
		}
	}
	slices.SortStableFunc(news, func(a, b News) int { return cmp.Compare(b.weight(), a.weight()) })
	return news
}

// Told notes that the news were told by a way at a time, in the message named.
func Told(alarms []Alarm, news []News, way string, now time.Time, message string) []Alarm {
	next := slices.Clone(alarms)
	for _, n := range news {
		i := slices.IndexFunc(next, func(a Alarm) bool { return a.ID == n.ID })
		told := maps.Clone(next[i].Told)
		switch t := (Telling{At: now, As: n.Urgency, Opening: cmp.Or(n.Last.Opening, message)}); n.What {
		case Closed:
			delete(told, way)
		default:
			told[way] = t
		}
		next[i].Told = told
	}
	return next
}

// Forgettable tells that an alarm is over and that none of the ways has to say so.
func (a *Alarm) Forgettable(ways []string, now time.Time) bool {
	return !a.Lasts() && now.Sub(a.Gone) >= Settle && !slices.ContainsFunc(ways, func(w string) bool { _, told := a.Told[w]; return told })
}
