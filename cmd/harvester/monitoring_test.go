package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/harvest/imap/memserver"
)

const monitoring = "../../docs/monitoring"

// monitoringTool finds promtool or prometheus.
func monitoringTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("HARVESTER_REQUIRE_PROMETHEUS") == "1" {
			t.Fatalf("HARVESTER_REQUIRE_PROMETHEUS=1, but %s is not installed", name)
		}
		t.Skipf("%s is not installed (apt-get install prometheus)", name)
	}
	return path
}

func monitoringFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(monitoring, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The rules do what their unit tests say.
func TestMonitoringRules(t *testing.T) {
	if testing.Short() {
		t.Skip("promtool's work is the same under the race detector")
	}
	promtool := monitoringTool(t, "promtool")
	for _, args := range [][]string{{"check", "config", "prometheus.yml"}, {"check", "rules", "harvester.rules.yml"},
		{"test", "rules", "harvester.rules.test.yml", "harvester.week.test.yml"}} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = monitoring
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// Every alert has a unit test in which it fires, and one in which it does not.
func TestMonitoringAlertsAreTested(t *testing.T) {
	tests := monitoringFile(t, "harvester.rules.test.yml") + monitoringFile(t, "harvester.week.test.yml")
	alerts := regexp.MustCompile(`(?m)- alert: (\w+)$`).FindAllStringSubmatch(monitoringFile(t, "harvester.rules.yml"), -1)
	if len(alerts) == 0 {
		t.Fatal("no alert")
	}
	for _, a := range alerts {
		fires := regexp.MustCompile(`alertname: `+a[1]+`\n +exp_alerts:`).FindAllString(tests, -1)
		all := regexp.MustCompile(`alertname: `+a[1]+`\n`).FindAllString(tests, -1)
		if len(fires) == 0 || len(all) == len(fires) {
			t.Errorf("%s: fires in %d of %d tests", a[1], len(fires), len(all))
		}
	}
}

// dashboardQueries are the queries of the dashboard's panels, with its variables
// at "all".
func dashboardQueries(t *testing.T) (list []string) {
	t.Helper()
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Type, Query string }
		}
	}
	if err := json.Unmarshal([]byte(monitoringFile(t, "harvester.dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	variable := strings.NewReplacer("$instance", ".*", "$mailbox", ".*")
	for _, p := range board.Panels {
		for _, x := range p.Targets {
			list = append(list, variable.Replace(x.Expr))
		}
	}
	for _, v := range board.Templating.List {
		if inner, ok := strings.CutPrefix(v.Query, "label_values("); ok && v.Type == "query" {
			list = append(list, variable.Replace(inner[:strings.LastIndex(inner, ",")]))
		}
	}
	if len(list) < 20 {
		t.Fatalf("%d queries", len(list))
	}
	return list
}

// No query and no rule names a metric that the program does not have, and none
// that it has is left out everywhere.
func TestMonitoringNamesWhatThereIs(t *testing.T) {
	known := map[string]bool{}
	files, err := filepath.Glob("metrics/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`(?:\b(?:desc|counters|gauge)\(|Name: )"([a-z_]+)"`).FindAllStringSubmatch(string(text), -1) {
			known["harvester_"+m[1]] = false
		}
	}
	rules := monitoringFile(t, "harvester.rules.yml")
	text := rules + monitoringFile(t, "harvester.rules.test.yml") + monitoringFile(t, "harvester.week.test.yml") + strings.Join(dashboardQueries(t), "\n")
	for _, m := range regexp.MustCompile(`([\w:]*)\bharvester_[a-z_]+\b`).FindAllString(regexp.MustCompile(`[\w]+:harvester_\w+:\w+`).ReplaceAllStringFunc(text, func(name string) string {
		if !strings.Contains(rules, "record: "+name+"\n") {
			t.Errorf("nothing records %s", name)
		}
		return ""
	}), -1) {
		name := m
		if _, ok := known[name]; !ok {
			name = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
		}
		if _, ok := known[name]; !ok {
			t.Errorf("there is no metric %s", m)
		}
		known[name] = true
	}
	for name, used := range known {
		if !used {
			t.Errorf("neither the dashboard nor a rule shows %s", name)
		}
	}
}

// emptyQueries have no series in the demonstration, and why.
var emptyQueries = map[string]string{
	"harvester_oauth_token_expiry_timestamp_seconds": "its mailbox has a password",
}

// A real Prometheus scrapes a daemon at work; every query of the dashboard
// finds something, and every rule can be evaluated.
func TestDashboardQueries(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	prometheus := monitoringTool(t, "prometheus")
	server, err := memserver.Start(demoUser, demoPassword)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	scraped := monitoredDaemon(t, server.Addr)
	deliver := func(now time.Time) {
		mails, err := demoMails(now)
		if err == nil {
			err = deliverMails(server, mails)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	deliver(time.Now())
	p := startPrometheus(t, prometheus, scraped)
	p.await("harvester_report_last_success_timestamp_seconds")
	p.await("sum(harvester_bounces_total) > 0")
	p.await("sum(harvester_unclassified_total) > 0")
	deliver(time.Now().Add(-time.Hour)) // counters that move have rates
	p.await("instance:harvester_unclassified:ratio1d")
	p.await("sum(rate(harvester_parse_duration_seconds_count[1h])) > 0 and sum(rate(harvester_store_commit_duration_seconds_count[1h])) > 0")
	p.await("instance_mailbox:harvester_poll_duration_seconds:p95_1h > 0")
	for _, q := range dashboardQueries(t) {
		known := ""
		for name, why := range emptyQueries {
			if strings.Contains(q, name) {
				known = why
			}
		}
		switch n := p.query(q); {
		case n == 0 && known == "":
			t.Errorf("nothing: %s", q)
		case n > 0 && known != "":
			t.Errorf("%s: %d series, though %s", q, n, known)
		}
	}
	p.healthy()
}

// monitoredDaemon runs the daemon on a mailbox, and says where it can be
// scraped.
func monitoredDaemon(t *testing.T, mailbox string) string {
	t.Helper()
	dir, addr := t.TempDir(), freePort(t)
	text := strings.ReplaceAll(demoConfig, "SERVER", mailbox)
	text = strings.Replace(text, "[[export]]", "schedule = \"@every 1s\"\n\n[[export]]", 1) + "schedule = \"@every 1s\"\n[web]\nlisten = \"" + addr + "\"\n"
	file := filepath.Join(dir, "harvester.toml")
	for name, content := range map[string]string{file: text, filepath.Join(dir, "password"): demoPassword + "\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"run", "--config", file}, stdio{strings.NewReader(""), io.Discard, io.Discard})
	}()
	t.Cleanup(func() {
		cancel()
		if got := <-ended; got != exitOK {
			t.Errorf("the daemon ended with %d", got)
		}
	})
	return addr
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// prom is a running Prometheus.
type prom struct {
	*testing.T
	url string
}

// startPrometheus runs one with the configuration of the manual, quicker.
func startPrometheus(t *testing.T, program, scraped string) *prom {
	t.Helper()
	dir, addr := t.TempDir(), freePort(t)
	rules, err := filepath.Abs(filepath.Join(monitoring, "harvester.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("127.0.0.1:9717", scraped, "30s", "1s", "harvester.rules.yml", rules).Replace(monitoringFile(t, "prometheus.yml"))
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	cmd := exec.Command(program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--log.level=error")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it says how it was ended
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return &prom{t, "http://" + addr}
}

// ask is one request; false while nobody answers.
func (p *prom) ask(path string, into any) bool {
	req, err := http.NewRequestWithContext(p.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		p.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusServiceUnavailable {
		return false
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.Fatalf("%s: %s %v %s", path, resp.Status, err, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		p.Fatal(err)
	}
	return true
}

// query is how many series a query finds now.
func (p *prom) query(expr string) int {
	var got struct {
		Data struct{ Result []json.RawMessage }
	}
	if !p.ask("/api/v1/query?query="+url.QueryEscape(expr), &got) {
		return 0
	}
	return len(got.Data.Result)
}

// await waits until a query finds something.
func (p *prom) await(expr string) {
	p.Helper()
	for end := time.Now().Add(2 * time.Minute); p.query(expr) == 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			p.Fatalf("nothing within two minutes: %s", expr)
		}
	}
}

// healthy asks that every rule was evaluated.
func (p *prom) healthy() {
	var got struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	var names []string
	if !p.ask("/api/v1/rules", &got) {
		p.Fatal("no answer")
	}
	for _, g := range got.Data.Groups {
		for _, r := range g.Rules {
			if names = append(names, r.Name); r.Health != "ok" {
				p.Errorf("%s: %s %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	if !slices.Contains(names, "HarvesterDown") {
		p.Error(fmt.Sprint("the rules at work: ", names))
	}
}
