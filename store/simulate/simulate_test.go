package simulate

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"harvester/store/engine/postgres/pgtest"
)

func TestScenarios(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Load(name)
			if err != nil {
				t.Fatal(err)
			}
			if testing.Short() && s.Recipients > 10000 {
				t.Skip("large: run without -short")
			}
			dir := t.TempDir()
			r, err := Run(context.Background(), s, pgtest.At(t, filepath.Join(dir, "h.db")), dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range r.Failures {
				t.Error(f)
			}
			if t.Failed() {
				for _, d := range r.Days {
					if d.Mailed+d.Failed > 0 {
						t.Logf("%+v", d)
					}
				}
				for _, in := range r.Incidents {
					t.Logf("incident %s: %d, %d receivers", in.ID, in.Count, len(in.Receivers))
				}
			}
		})
	}
}

// few are scenarios that are short and have much in them.
var few = []string{"our-faults", "forged", "tls"}

// The scenarios end on PostgreSQL as they do on SQLite: a few of
// them, or all that make engines asks for.
func TestOnPostgres(t *testing.T) {
	run := "^TestScenarios$/^(" + strings.Join(few, "|") + ")$"
	if pgtest.Thorough() {
		run = "^TestScenarios$"
	} else if testing.Short() {
		t.Skip("the scenarios take their time on a server")
	}
	pgtest.OnServer(t, run, "OnPostgres")
}

func TestUnknownScenario(t *testing.T) {
	if _, err := Load("nonsense"); err == nil {
		t.Error("no error")
	}
}

// TestParseTellsAllFaults names every fault of a scenario with its place.
func TestParseTellsAllFaults(t *testing.T) {
	_, err := Parse("mine.toml", []byte(`days = 1.5
recipient = 3
[[operator]]
domains = 0
share = 2
[[operator]]
name = "google"
domains = 1
[[death]]
operator = "gogle"
[[fault]]
day = 1
[[forged]]
token = "true"
`))
	want := strings.Join([]string{
		"mine.toml: recipients: at least one is needed",
		"mine.toml:1:1: days: expected a whole number, found a number with a fraction",
		`mine.toml:2:1: recipient: unknown key (hint: did you mean "recipients"?)`,
		"mine.toml:3:3: operator.name: missing",
		"mine.toml:4:1: operator.domains: at least one domain is needed",
		"mine.toml:5:1: operator.share: it is no share from 0 to 1",
		`mine.toml:10:1: death.operator: there is no [[operator]] "gogle" (hint: did you mean "google"?)`,
		`mine.toml:11:3: fault: it has neither reasons nor wordings (hint: write reasons = ["auth_spf"])`,
		`mine.toml:14:1: forged.token: there is no token "true" (hint: "valid", "invented", "expired", "another", "replayed", or none)`,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("told\n%v\nwant\n%s", err, want)
	}
}
