package diagnose_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"harvester/schedule/diagnose"
)

// The failures stand between the changes of the record, each once.
func TestTimeline(t *testing.T) {
	day := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	was, is := []string{"v=spf1 mx include:sendgrid.net -all"}, []string{"v=spf1 mx -all"}
	record := diagnose.Measurement{What: "TXT example.org.", State: "found", Values: is, Resolver: "127.0.0.1:53", At: now}
	other := diagnose.Measurement{What: "TXT mail.example.org.", State: "found", Values: []string{"v=spf1 a -all"}, Resolver: "127.0.0.1:53", At: now}
	mail := diagnose.Measurement{What: "From of the returned mail", State: "found", At: now}
	unknown := diagnose.Measurement{What: "TXT gone.example.org.", State: "unknown", Resolver: "127.0.0.1:53", At: now}
	steady := []diagnose.Earlier{{Values: []string{"v=spf1 a -all"}, State: "found", First: day(80), Last: day(1)}}
	for name, x := range map[string]struct {
		record   []diagnose.Earlier
		failures []diagnose.Struck
		want     string
	}{
		"never looked at": {nil, []diagnose.Struck{{Hour: day(3), N: 4}}, ""},
		"no failure": {[]diagnose.Earlier{{Values: was, State: "found", First: day(90), Last: day(3)}}, nil,
			"90 TXT example.org. v=spf1 mx include:sendgrid.net -all\n0 TXT example.org. v=spf1 mx -all\n"},
		"between": {[]diagnose.Earlier{{Values: is, State: "found", First: day(2), Last: day(1)}, {Values: was, State: "found", First: day(90), Last: day(3)}},
			[]diagnose.Struck{{Hour: day(60), N: 1}, {Hour: day(2), N: 5}, {Hour: day(1), N: 7}},
			"90 TXT example.org. v=spf1 mx include:sendgrid.net -all\n60 1 failures\n2 TXT example.org. v=spf1 mx -all\n2 12 failures\n"},
		"before the first look": {[]diagnose.Earlier{{Values: is, State: "found", First: day(2), Last: day(1)}}, []diagnose.Struck{{Hour: day(5), N: 3}},
			"5 3 failures\n2 TXT example.org. v=spf1 mx -all\n"},
		"gone and back": {[]diagnose.Earlier{{State: "nxdomain", First: day(4), Last: day(3)}, {Values: is, State: "found", First: day(9), Last: day(5)}}, []diagnose.Struck{{Hour: day(4), N: 2}},
			"9 TXT example.org. v=spf1 mx -all\n4 TXT example.org. does not exist\n4 2 failures\n0 TXT example.org. v=spf1 mx -all\n"},
	} {
		f := diagnose.Finding{Measured: []diagnose.Measurement{record, other, mail, unknown, record}}
		f.Lay(func(name, _ string) []diagnose.Earlier {
			switch name {
			case "example.org.":
				return x.record
			case "mail.example.org.":
				if x.record != nil {
					return steady
				}
			}
			return nil
		}, x.failures)
		var got strings.Builder
		for _, m := range f.Timeline {
			says := fmt.Sprintf("%d failures", m.Failures)
			if m.Failures == 0 {
				says = m.Says()
			}
			fmt.Fprintf(&got, "%d %s\n", int(now.Sub(m.From)/(24*time.Hour)), says)
		}
		if got.String() != x.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got.String(), x.want)
		}
	}
}
