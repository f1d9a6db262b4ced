package web

import (
	"fmt"
	"time"

	"harvester/parse/count"
	"harvester/store/policy"
	"harvester/store/query"
)

// sentence answers in one line whether somebody has to act, and how urgent it
// is: ok, warn, crit, or idle before anything could be known.
type sentence struct {
	Level string
	Text  string
}

// standing is what the sentence is made of.
type standing struct {
	Now       time.Time
	First     time.Time // when the first mail came in
	Harvested bool      // a harvest ended well, ever
	Next      time.Time // of the harvests
	Troubles  []policy.Trouble
	Open      []query.Incident // by cost
	Failing   []string         // jobs whose last run failed
	High      []figure         // numbers beyond what is usual
	Held      int
}

// say makes the sentence. It never says that all is well while something is
// open, or while nothing was read yet.
func (v *standing) say(stamp func(time.Time) string) sentence {
	now, soon := urgencies(v.Troubles)
	rest := func(n int) string {
		if n <= 0 {
			return "."
		}
		return fmt.Sprintf("; %s more below.", count.Number(n))
	}
	switch {
	case len(now) > 0:
		return sentence{"crit", "Act now: " + now[0].Title + rest(len(now)+len(soon)-1)}
	case len(v.Failing) > 0:
		return sentence{"warn", fmt.Sprintf("Look at it today: the last run of %s failed%s", v.Failing[0], rest(len(v.Failing)-1+len(soon)))}
	case !v.Harvested && v.First.IsZero():
		if v.Next.IsZero() {
			return sentence{"idle", "Nothing was read yet, and no mailbox is read on a schedule."}
		}
		return sentence{"idle", "Nothing was read yet: the first harvest is due at " + stamp(v.Next) + "."}
	case v.First.IsZero():
		return sentence{"idle", "The mailbox was read, and no mail has come in yet: is it the one that your failures come back to?"}
	case len(soon) > 0:
		return sentence{"warn", "Look at it today: " + soon[0].Title + rest(len(soon)-1)}
	case len(v.High) > 0:
		return sentence{"warn", fmt.Sprintf("Look at it today: %s %s, %s.", v.High[0].Value, v.High[0].Label, v.High[0].Note)}
	case v.Held > 0:
		return sentence{"warn", count.Of(v.Held, "verdict") + " " + count.Verb(v.Held, "waits", "wait") + " for you, or for the next failure: see \"held back\"."}
	case len(v.Open) > 0:
		in := &v.Open[0]
		return sentence{"warn", fmt.Sprintf("Mend it when you can: %s, which cost %s since %s%s", title(in), count.Of(in.Addresses, "address"), in.Opened.Format("2 Jan"), rest(len(v.Open)-1))}
	}
	return sentence{"ok", "Nothing to do: no alarm, no open incident, and every job is well."}
}

// urgencies parts the troubles that nobody has looked at yet by how soon they
// want somebody.
func urgencies(all []policy.Trouble) (now, soon []policy.Trouble) {
	for _, t := range all {
		switch {
		case t.Known:
		case t.Urgency == policy.Now:
			now = append(now, t)
		default:
			soon = append(soon, t)
		}
	}
	return now, soon
}
