package metrics

import (
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/fixtures"
	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/schedule"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/policy"
)

func openSet(t *testing.T) *compose.Set {
	t.Helper()
	file := filepath.Join(t.TempDir(), "harvester.toml")
	rule := "[[rule]]\nid = \"own.gone\"\nreason = \"user_unknown\"\ncontains = [\"flown\"]\nexamples = [\"550 flown\"]\n"
	dir := filepath.Join(filepath.Dir(file), "rules")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "own.toml"), []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	text := `own_domains = ["example.org"]
rules_dir = "rules"
[store]
path = "h.db"
[[mailbox]]
name = "bounces"
server = "imap.example.org:993"
username = "bounces@example.org"
password = "env:NONE"
[[export]]
name = "list"
path = "list.csv"
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	set, err := compose.Open(t.Context(), c, compose.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = set.Close() })
	return set
}

// scrape is what Prometheus reads; it must pass its linter.
func scrape(t *testing.T, m *Metrics, set *compose.Set) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(set, func() []schedule.State { return []schedule.State{{Job: job.Harvest.Of("bounces"), Missed: 3}} }).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.New(strings.NewReader(string(body))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	return string(body)
}

func TestScrape(t *testing.T) {
	set := openSet(t)
	m := New("v1")
	if n, err := testutil.GatherAndCount(m.registry); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	before := scrape(t, m, set)
	for _, absent := range []string{"harvester_mailbox_up", "harvester_export_last_success"} {
		if strings.Contains(before, absent) {
			t.Errorf("%s before anything ran", absent)
		}
	}
	raw, err := fixtures.FS.ReadFile("postfix/failed.eml")
	if err != nil {
		t.Fatal(err)
	}
	messages := []harvest.Message{{Raw: raw, Size: int64(len(raw))}, {Gone: true}, {Poison: errors.New("unreadable")}}
	m.Parsed("bounces", schedule.Parse(messages, &parse.Options{OwnDomains: []string{"example.org"}}), time.Second)
	m.Parsed("bounces", []facts.Item{{Result: parse.Result{Kind: bounce.KindBounce, Recipients: []parse.Recipient{
		{Action: bounce.Failed, Reason: bounce.Unclassified, Vendor: "kddi"}, {Action: bounce.Failed, Reason: bounce.Unclassified},
	}}}}, time.Second)
	m.Left("bounces", 7)
	m.Committed(facts.Outcome{Added: 2, Held: 1}, time.Millisecond)
	m.Polled("bounces", schedule.Tally{}, time.Second, nil)
	m.Polled("bounces", schedule.Tally{}, time.Second, errors.New("login of bounces@example.org refused"))
	m.Reloaded(true)
	m.Reloaded(false)
	ctx := t.Context()
	for _, run := range []struct {
		job job.Name
		err error
	}{{job.Harvest.Of("bounces"), nil}, {job.Harvest.Of("bounces"), errors.New("refused")}, {job.Export.Of("list"), nil}, {job.Report.Alone(), nil}, {job.Report.Of("week"), nil}} {
		id, err := set.DB.Runs.BeginRun(ctx, run.job)
		if err != nil {
			t.Fatal(err)
		}
		if err := set.DB.Runs.EndRun(ctx, id, "", run.err); err != nil {
			t.Fatal(err)
		}
	}
	if err := set.DB.Alarms.KeepAlarms(ctx, policy.Alarms(nil, []policy.Trouble{{ID: "guard", Urgency: policy.Now}}, time.Now())); err != nil {
		t.Fatal(err)
	}
	got := scrape(t, m, set)
	for _, want := range []string{
		`harvester_build_info{version="v1"} 1`,
		`harvester_messages_total{kind="bounce",mailbox="bounces"} 2`,
		`harvester_unclassified_total{provider="kddi"} 1`,
		`harvester_unclassified_total{provider="other"} 1`,
		`harvester_mailbox_backlog_messages{mailbox="bounces"} 7`,
		`harvester_job_missed_total{job="harvest bounces"} 3`,
		`harvester_rules{source="rules_dir"} 1`,
		`harvester_bounces_total{class="hard",reason="user_unknown"} 1`,
		`harvester_suppression_changes_total{change="add"} 2`,
		`harvester_polls_total{mailbox="bounces",result="failed"} 1`,
		`harvester_parse_duration_seconds_count 2`,
		`harvester_store_commit_duration_seconds_count 1`,
		`harvester_config_last_reload_successful 0`,
		`harvester_mailbox_up{mailbox="bounces"} 0`,
		`harvester_mailbox_last_poll_timestamp_seconds{mailbox="bounces"} 1`,
		`harvester_export_last_success_timestamp_seconds{export="list"} 1`,
		`harvester_job_last_duration_seconds{job="export list"}`,
		`harvester_exports_stopped 0`,
		`harvester_alarms{urgency="crit"} 1`,
		`harvester_alarms{urgency="warn"} 0`,
		`harvester_scrape_errors 0`,
	} {
		if !strings.Contains(got, "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
	if at := regexp.MustCompile(`.*(@|example\.).*`).FindString(got); at != "" {
		t.Errorf("an address or a domain: %s", at)
	}
	if t.Failed() {
		t.Log(got)
	}
}
