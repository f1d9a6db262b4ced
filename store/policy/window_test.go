package policy

import (
	"testing"
	"time"

	"harvester/parse/bounce"
)

func hours(day, from, to, n int) (out []Bin) {
	for h := from; h < to; h++ {
		out = append(out, Bin{at(day).Truncate(24 * time.Hour).Add(time.Duration(h) * time.Hour), n})
	}
	return out
}

func TestWindows(t *testing.T) {
	var weekly, steady []Bin
	for week := range 6 {
		weekly = append(weekly, hours(7*week, 9, 10, 30)...)
	}
	var drip, kept []Bin // one failure on most days, and 22 forged ones every third
	for d := range 28 {
		drip = append(drip, hours(d, 9, 10, 1+21*(1-min(d%3, 1)))...)
		kept = append(kept, hours(d, 0, 1, 30)...)
	}
	for d := range 30 {
		steady = append(steady, hours(d, 0, 8, 3)...)
		steady = append(steady, hours(d, 8, 20, 25)...)
	}
	for _, tt := range []struct {
		name string
		kind WindowKind
		bins []Bin
		want [][2]int // day of start and of until, rounded down
	}{
		{"few", Outage, hours(0, 9, 12, 19), nil},
		{"first mailing", Outage, hours(0, 9, 10, 40), [][2]int{{0, 3}}},
		{"an outage of seven hours", Outage, hours(0, 9, 16, 200), [][2]int{{0, 3}}},
		{"two days running", Outage, append(hours(0, 9, 16, 200), hours(1, 9, 12, 300)...), [][2]int{{0, 4}}},
		{"weekly mailings get their baseline", Outage, weekly, [][2]int{{0, 3}, {7, 10}, {14, 17}}},
		{"an outage over weekly mailings", Outage, append(weekly[:6:6], hours(42, 9, 11, 200)...), [][2]int{{0, 3}, {7, 10}, {14, 17}, {42, 45}}},
		{"steady mailing gets its baseline", Outage, steady, [][2]int{{0, 7}}},
		{"a drip of forgeries holds for a week of three", Outage, drip, [][2]int{{0, 7}, {15, 22}}},
		{"an outage after a week of forgeries", Outage, append(hours(9, 9, 10, 500), drip...), [][2]int{{0, 7}, {9, 16}, {24, 30}}},
		{"an outage while forgeries hold", Outage, append(hours(6, 11, 12, 500), drip...), [][2]int{{0, 7}, {6, 13}, {21, 28}}},
		{"own path for two weeks", OwnPath, kept[:4:4], [][2]int{{0, 4}}},
		{"own path", OwnPath, hours(0, 0, 1, 60), [][2]int{{0, 1}}},
		{"a small domain", DomainDown, hours(0, 0, 1, 5), [][2]int{{0, 4}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := Concentrated(tt.kind)
			got := Windows(&c, "x", tt.bins)
			day := func(tm time.Time) int { return int(tm.Sub(day0.Truncate(24*time.Hour)) / (24 * time.Hour)) }
			ok := len(got) == len(tt.want)
			for i := 0; ok && i < len(got); i++ {
				ok = day(got[i].Start) == tt.want[i][0] && day(got[i].Until) == tt.want[i][1]
			}
			if !ok {
				t.Errorf("got %+v, want days %v", got, tt.want)
			}
		})
	}
}

func TestCircumstances(t *testing.T) {
	outage := Window{Kind: Outage, Subject: "google", Start: at(0), End: at(1), Until: at(4)}
	path := Window{Kind: OwnPath, Subject: "unreachable", Start: at(0), End: at(1), Until: at(1)}
	as := func(concern, operator string) func(*Event) {
		return func(e *Event) { e.Concern, e.Operator = concern, operator }
	}
	google, other, lost := as(ConcernUnknown, "google"), as(ConcernUnknown, "microsoft"), as(ConcernUnreachable, "google")
	for _, tt := range []struct {
		name    string
		day     int
		as      func(*Event)
		rulings []Ruling
		want    Circumstance
	}{
		{"in it", 0, google, nil, Held},
		{"after it, before its end", 3, google, nil, Held},
		{"after its end", 4, google, nil, Ordinary},
		{"before", -1, google, nil, Ordinary},
		{"elsewhere", 0, other, nil, Ordinary},
		{"own path", 0, lost, nil, Discounted},
		{"released", 0, google, []Ruling{{Kind: Outage, Subject: "google", Start: at(0), End: at(4), Release: true}}, Ordinary},
		{"dropped", 0, google, []Ruling{{Kind: Outage, Subject: "google", Start: at(0), End: at(4)}}, Discounted},
	} {
		e := on(tt.day, bounce.UserUnknown, tt.as)
		NewCircumstances([]Window{outage, path}, tt.rulings).Surround(&e, "jane@example.net")
		if e.Circumstance != tt.want || (tt.want == Held) != !e.HeldUntil.IsZero() {
			t.Errorf("%s: %v until %v, want %v", tt.name, e.Circumstance, e.HeldUntil, tt.want)
		}
	}
}

func TestIncidents(t *testing.T) {
	hour := func(d int) Tally { return Tally{at(d), 2} }
	got := Incidents("spf:example.org", []Tally{hour(9), hour(0), hour(1), hour(3), hour(10)}, nil, at(11))
	if len(got) != 2 || got[0].Count != 6 || got[0].Closed != at(6) || !got[1].Closed.IsZero() || got[1].Earlier != 1 {
		t.Errorf("got %+v", got)
	}
	if got = Incidents("spf:example.org", []Tally{hour(0)}, nil, at(4)); got[0].Closed != at(3) {
		t.Errorf("quiet closes: %+v", got)
	}
	spf := Incident{Cause: "spf:bounces.example.org", Opened: at(0), LastSeen: at(1)}
	for _, tt := range []struct {
		b    Incident
		want bool
	}{
		{Incident{Cause: "dmarc:example.org", Opened: at(0), LastSeen: at(1)}, true},
		{Incident{Cause: "auth:example.org", Opened: at(1), LastSeen: at(1)}, true},
		{Incident{Cause: "dmarc:example.org", Opened: at(5), LastSeen: at(6)}, false},
		{Incident{Cause: "dmarc:example.com", Opened: at(0), LastSeen: at(1)}, false},
		{Incident{Cause: "ptr", Opened: at(0), LastSeen: at(1)}, false},
	} {
		if got := Consequence(spf, tt.b); got != tt.want {
			t.Errorf("%s: %v", tt.b.Cause, got)
		}
	}
}

// A receiver that was hit takes mail again: the incident closes sooner, unless
// failures go on beside the successes.
func TestIncidentsCloseBySuccess(t *testing.T) {
	base := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	at := func(hours int) time.Time { return base.Add(time.Duration(hours) * time.Hour) }
	tally := func(hours ...int) (out []Tally) {
		for _, h := range hours {
			out = append(out, Tally{at(h), 1})
		}
		return out
	}
	for _, tc := range []struct {
		name      string
		hours     []Tally
		successes []time.Time
		now       int
		n         int
		closed    time.Time
		by        string
	}{
		{"open", tally(0), nil, 20, 1, time.Time{}, ""},
		{"success", tally(0), []time.Time{at(3)}, 20, 1, at(15), "success"},
		{"not settled yet", tally(0), []time.Time{at(3)}, 14, 1, time.Time{}, ""},
		{"before the failure", tally(5), []time.Time{at(3)}, 30, 1, time.Time{}, ""},
		{"in the same hour", tally(0), []time.Time{base.Add(30 * time.Minute)}, 30, 1, time.Time{}, ""},
		{"failing every other time", tally(0, 4, 8, 12), []time.Time{at(2), at(6), at(10)}, 20, 1, time.Time{}, ""},
		{"reopened", tally(0, 40), []time.Time{at(3)}, 45, 2, time.Time{}, ""},
		{"late success", tally(0), []time.Time{at(65)}, 80, 1, at(72), "quiet"},
	} {
		got := Incidents("spf:example.org", tc.hours, tc.successes, at(tc.now))
		if len(got) != tc.n || !got[tc.n-1].Closed.Equal(tc.closed) || got[tc.n-1].ClosedBy != tc.by || got[tc.n-1].Earlier != tc.n-1 {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
}
