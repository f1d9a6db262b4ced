package policy

import (
	"strings"
	"testing"
	"time"
)

// A story of one night, told step by step.
func TestAlarms(t *testing.T) {
	start := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	warn := func(id string) Trouble { return Trouble{ID: id, Urgency: Soon} }
	crit := func(id string) Trouble { return Trouble{ID: id, Urgency: Now} }
	known := func(id string) Trouble { return Trouble{ID: id, Urgency: Now, Known: true} }
	var alarms []Alarm
	for i, step := range []struct {
		after    time.Duration
		quiet    bool
		troubles []Trouble
		want     string
	}{
		{0, false, nil, ""},
		{5 * time.Minute, false, []Trouble{warn("a"), crit("b")}, "opened b, opened a"},
		{10 * time.Minute, false, []Trouble{warn("a"), crit("b")}, ""},
		{15 * time.Minute, false, []Trouble{warn("a")}, ""}, // b is gone for a moment
		{20 * time.Minute, false, []Trouble{warn("a"), crit("b")}, ""},
		{25 * time.Minute, false, []Trouble{crit("a"), crit("b")}, "worse a"},
		{30 * time.Minute, false, []Trouble{warn("a"), crit("b")}, ""}, // milder is no news
		{35 * time.Minute, false, []Trouble{crit("a"), crit("b")}, ""}, // and worse once only
		{8 * time.Hour, true, []Trouble{warn("a"), crit("b"), warn("c"), crit("d")}, "opened d"},
		{9 * time.Hour, true, []Trouble{warn("a"), crit("b")}, ""},
		{10 * time.Hour, true, []Trouble{warn("a"), crit("b")}, ""}, // d closes quietly, c was never told
		{20 * time.Hour, false, []Trouble{warn("a"), crit("b")}, "closed d"},
		{24*time.Hour + 5*time.Minute, false, []Trouble{warn("a"), crit("b")}, "lasts b"},
		{25 * time.Hour, false, []Trouble{warn("a"), known("b")}, ""},
		{60 * time.Hour, false, []Trouble{warn("a"), known("b")}, ""},
		{61 * time.Hour, false, nil, ""},
		{62 * time.Hour, false, nil, "closed b, closed a"},
		{63 * time.Hour, false, []Trouble{crit("b")}, "opened b"},
	} {
		var news []News
		alarms, news = Alarms(alarms, step.troubles, start.Add(step.after), AlarmRules{Quiet: step.quiet, Again: 24 * time.Hour})
		var got []string
		for _, n := range news {
			got = append(got, n.What+" "+n.ID)
		}
		if text := strings.Join(got, ", "); text != step.want {
			t.Errorf("step %d: %q, want %q", i, text, step.want)
		}
	}
}
