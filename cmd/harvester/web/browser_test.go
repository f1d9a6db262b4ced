package web

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// The pages fit a phone and a desktop in both colour schemes, load nothing from
// elsewhere, run nothing, stay below 50 KB and pass axe-core without a serious
// finding. HARVESTER_NODE names a folder with playwright-core and axe-core.
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
	c := start(t, func(o *Options) { o.Actions = true })
	c.want(http.StatusOK, "", "POST", "/v1/suppressions", `{"address":"jane@example.net","reason":"asked by phone","author":"kim"}`)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "testdata/pages.mjs", modules, chromium, c.url, token,
		"/address?q=jane%40example.net", "/address?q="+listed(c))
	out, err := cmd.CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
