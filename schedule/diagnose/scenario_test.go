package diagnose_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"testing"

	"harvester/schedule/diagnose"
	"harvester/schedule/diagnose/scenario"
)

var update = flag.Bool("update", false, "write what the scenarios find")

var now = scenario.Now

func TestScenarios(t *testing.T) {
	for _, s := range scenario.All(t, "testdata") {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			list, server := s.Run(t)
			sound(t, list)
			got := short(list, server.Addr)
			if *update {
				s.Update(t, got)
				return
			}
			if got != s.Part["want"] {
				t.Errorf("found\n%s\nwant\n%s", got, s.Part["want"])
			}
			for _, q := range server.Asked() {
				if strings.Contains(q, "@") || strings.Contains(q, "jane") {
					t.Errorf("asked for %s, which carries an address", q)
				}
			}
		})
	}
}

// sound checks what holds for every finding.
func sound(t *testing.T, list []diagnose.Finding) {
	t.Helper()
	if len(list) == 0 {
		t.Error("nothing was found")
	}
	for i := range list {
		f := &list[i]
		if f.Answer == "" || f.Verdict == "" || f.Owner == "" || f.Check() == f.ID {
			t.Errorf("%+v", f)
		}
		if f.Verdict == diagnose.Confirmed && len(f.Steps) == 0 {
			t.Errorf("%s: no step", f.ID)
		}
		for _, r := range f.Records {
			if !strings.HasSuffix(r.Name, "example.org.") {
				t.Errorf("%s: a record for %s, which is not ours", f.ID, r.Name)
			}
		}
		if _, err := json.Marshal(f); err != nil {
			t.Error(err)
		}
	}
}

// short is a finding a line, with the records to publish.
func short(list []diagnose.Finding, addr string) string {
	var b strings.Builder
	for i := range list {
		f := &list[i]
		advice := ""
		if f.Advice {
			advice = " (advice)"
		}
		fmt.Fprintf(&b, "%s %s %s%s: %s\n", f.Verdict, f.ID, f.Owner, advice, strings.ReplaceAll(fmt.Sprintf("%q", f.Answer), addr, "RESOLVER"))
		for _, r := range f.Records {
			for _, old := range r.Before {
				fmt.Fprintf(&b, "  - %s %s %q\n", r.Name, r.Type, old)
			}
			fmt.Fprintf(&b, "  + %s %s %q\n", r.Name, r.Type, r.After)
			if r.Note != "" {
				fmt.Fprintf(&b, "    %s\n", r.Note)
			}
		}
		for _, s := range f.Steps {
			if strings.HasPrefix(s, "No record can be derived") || strings.HasPrefix(s, "It leaves out") || strings.HasPrefix(s, "What each term") ||
				strings.HasPrefix(s, "Kept: ") || strings.HasPrefix(s, "Not seen here: ") {
				fmt.Fprintf(&b, "  %s\n", s)
			}
		}
	}
	return b.String()
}
