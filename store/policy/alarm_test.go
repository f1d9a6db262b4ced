package policy

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// alarming is a daemon's memory, and one way to tell that can fail.
type alarming struct{ alarms []Alarm }

func (s *alarming) look(now time.Time, troubles []Trouble, r AlarmRules, delivered bool) string {
	s.alarms = Alarms(s.alarms, troubles, now)
	news := Due(s.alarms, "mail", now, r)
	if delivered {
		s.alarms = Told(s.alarms, news, "mail", now, "message")
	}
	s.alarms = slices.DeleteFunc(s.alarms, func(a Alarm) bool { return a.Forgettable([]string{"mail"}, now) })
	var got []string
	for _, n := range news {
		got = append(got, n.What+" "+n.ID)
	}
	return strings.Join(got, ", ")
}

// A story of some days, told step by step.
func TestAlarms(t *testing.T) {
	start := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	warn := func(id string) Trouble { return Trouble{ID: id, Urgency: Soon} }
	crit := func(id string) Trouble { return Trouble{ID: id, Urgency: Now} }
	known := func(id string) Trouble { return Trouble{ID: id, Urgency: Now, Known: true} }
	const quiet, lost = true, true
	var s alarming
	for i, step := range []struct {
		after       time.Duration
		quiet, lost bool
		troubles    []Trouble
		want        string
	}{
		{0, false, false, nil, ""},
		{5 * time.Minute, false, false, []Trouble{warn("a"), crit("b")}, "opened b, opened a"},
		{10 * time.Minute, false, false, []Trouble{warn("a"), crit("b")}, ""},
		{15 * time.Minute, false, false, []Trouble{warn("a")}, ""}, // b is gone for a moment
		{20 * time.Minute, false, false, []Trouble{warn("a"), crit("b")}, ""},
		{25 * time.Minute, false, false, []Trouble{crit("a"), crit("b")}, "worse a"},
		{30 * time.Minute, false, false, []Trouble{warn("a"), crit("b")}, ""}, // milder is no news
		{35 * time.Minute, false, false, []Trouble{crit("a"), crit("b")}, ""}, // and worse once only
		{8 * time.Hour, quiet, false, []Trouble{warn("a"), crit("b"), warn("c"), crit("d")}, "opened d"},
		{9 * time.Hour, quiet, false, []Trouble{warn("a"), crit("b")}, ""},
		{10 * time.Hour, quiet, false, []Trouble{warn("a"), crit("b")}, ""}, // d is over, c was never told
		{20 * time.Hour, false, false, []Trouble{warn("a"), crit("b")}, "closed d"},
		{24*time.Hour + 5*time.Minute, false, lost, []Trouble{warn("a"), crit("b")}, "lasts b"},
		{24*time.Hour + 10*time.Minute, false, false, []Trouble{warn("a"), crit("b")}, "lasts b"},
		{24*time.Hour + 15*time.Minute, false, false, []Trouble{warn("a"), crit("b")}, ""},
		{60 * time.Hour, false, false, []Trouble{warn("a"), known("b")}, ""},
		{61 * time.Hour, false, false, nil, ""},
		{62 * time.Hour, false, lost, nil, "closed a, closed b"},
		{63 * time.Hour, false, false, nil, "closed a, closed b"},
		{64 * time.Hour, false, lost, []Trouble{crit("b")}, "opened b"},
		{65 * time.Hour, false, false, []Trouble{crit("b")}, "opened b"},
		{66 * time.Hour, quiet, false, []Trouble{crit("b"), warn("e")}, ""},
		{67 * time.Hour, false, false, []Trouble{crit("b"), warn("e")}, "opened e"}, // the quiet is over
		{68 * time.Hour, quiet, false, []Trouble{crit("b"), crit("e")}, "worse e"},
		{69 * time.Hour, false, false, []Trouble{{ID: "b", Urgency: Soon}, crit("e")}, ""},
	} {
		got := s.look(start.Add(step.after), step.troubles, AlarmRules{Quiet: step.quiet, Again: 24 * time.Hour}, !step.lost)
		if got != step.want {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
	if len(s.alarms) != 2 {
		t.Errorf("what is over is kept: %+v", s.alarms)
	}
}

// A trouble that comes and goes every few minutes is told once in a day and a
// half, and once again since it is urgent.
func TestAlarmOfWhatComesAndGoes(t *testing.T) {
	start := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var s alarming
	var told []string
	for look := range 12 * 36 {
		var troubles []Trouble
		if look%5 != 0 {
			troubles = []Trouble{{ID: "a", Urgency: Urgency(look % 2)}}
		}
		if news := s.look(start.Add(time.Duration(look)*5*time.Minute), troubles, AlarmRules{Again: 24 * time.Hour}, true); news != "" {
			told = append(told, news)
		}
	}
	if got := strings.Join(told, ", "); got != "opened a, lasts a" {
		t.Errorf("told: %s", got)
	}
}

// Every way has a memory of its own, and a way that is no longer configured
// keeps nothing alive.
func TestAlarmsByWay(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	alarms := Alarms(nil, []Trouble{{ID: "a", Urgency: Now, Since: now.Add(-time.Hour)}}, now)
	alarms = Told(alarms, Due(alarms, "mail", now, AlarmRules{}), "mail", now, "first")
	if n := Due(alarms, "mail", now, AlarmRules{}); n != nil {
		t.Errorf("told twice: %+v", n)
	}
	n := Due(alarms, "webhook", now, AlarmRules{})
	if len(n) != 1 || n[0].What != Opened || !n[0].Opened.Equal(now.Add(-time.Hour)) {
		t.Fatalf("the other way has told nothing yet: %+v", n)
	}
	alarms = Alarms(alarms, nil, now.Add(time.Hour))
	later := now.Add(2 * time.Hour)
	if n = Due(alarms, "mail", later, AlarmRules{}); len(n) != 1 || n[0].What != Closed || n[0].Last.Opening != "first" {
		t.Errorf("a closing names its opening: %+v", n)
	}
	if a := alarms[0]; a.Forgettable([]string{"mail"}, later) || !a.Forgettable([]string{"webhook"}, later) || a.Forgettable(nil, now.Add(time.Hour)) {
		t.Errorf("forgotten at the wrong time: %+v", a)
	}
}
