package web

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"harvester/schedule"
	"harvester/store/job"
)

// Every page fits a phone and a desktop in both colour schemes, loads nothing
// from elsewhere, runs nothing and passes axe-core without a finding; the first
// load stays below 60 KB; the ways from a number to a notice are short; every
// act works by keyboard. HARVESTER_NODE names a folder with playwright-core and
// axe-core.
func TestPagesInChromium(t *testing.T) {
	modules := os.Getenv("HARVESTER_NODE")
	node, err := exec.LookPath("node")
	chromium, err2 := exec.LookPath("chromium")
	if modules == "" || err != nil || err2 != nil {
		if os.Getenv("HARVESTER_REQUIRE_CHROMIUM") == "1" {
			t.Fatal("HARVESTER_REQUIRE_CHROMIUM=1, but there is no chromium, no node or no HARVESTER_NODE")
		}
		t.Skip("chromium, node or HARVESTER_NODE is missing: the look of the pages is not tested")
	}
	c := start(t, func(o *Options) {
		o.Actions = true
		o.States = func() []schedule.State {
			return []schedule.State{{Job: job.Harvest.Of("bounces"), Next: time.Now().Add(time.Minute)}, {Job: job.Report.Alone(), Next: time.Now().Add(time.Hour)}}
		}
	})
	c.want(http.StatusOK, "", "POST", "/v1/suppressions", `{"address":"jane@example.net","reason":"asked by phone","author":"kim"}`)
	incidents, err := c.set.DB.Incidents.Incidents(t.Context(), time.Now())
	if err != nil || len(incidents) == 0 {
		t.Fatal("no incident to look at", err)
	}
	incident := incidents[0].ID
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "testdata/pages.mjs", modules, chromium, c.url, token, "jane@example.net", "google", incident,
		"/failures", "/receiver?name=google", "/reason?name=user_unknown", "/stream?name=", "/rates", "/triage", "/incidents", "/incident?"+url.Values{"id": {incident}}.Encode(),
		"/list", "/list?state=held", "/events?action=failed", "/notice/12", "/address?q=jane%40example.net", "/address?q="+listed(c), "/reports",
		"/report/"+time.Now().UTC().Format(time.DateOnly), "/jobs", "/job?name=harvest+bounces", "/?days=90", "/reason?name=nothing")
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
