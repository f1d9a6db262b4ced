package export

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/store/export/mtatest"
)

// A running rspamd with the lines of the manual rejects mail to every address of plain ASCII that was
// written, in any case, and to no other.
func TestRspamdRejectsEveryRow(t *testing.T) {
	rspamd := mtatest.Program(t, "HARVESTER_RSPAMD", "rspamd")
	const share = "/usr/share/rspamd"
	if _, err := os.Stat(share); err != nil {
		t.Skipf("rspamd's rules are not in %s", share)
	}
	dir := mtatest.Scratch(t)
	to := target(t, "rspamd", dir)
	mustWrite(t, nasty(), to)
	port := mtatest.FreePort(t)
	// Its own list of top-level domains takes a minute to compile.
	for name, text := range map[string]string{"tld": "com\norg\n", "rspamd.conf": fmt.Sprintf(`
options { tempdir = "%[1]s"; hs_cache_dir = "%[1]s"; pidfile = "%[1]s/pid"; control_socket = "%[1]s/rspamd.sock mode=0600"; url_tld = "%[1]s/tld";
  filters = ""; dynamic_conf = ""; disable_hyperscan = true; dns { nameserver = "127.0.0.1"; } }
logging { type = "console"; level = "warning"; }
worker "normal" { bind_socket = "127.0.0.1:%[3]d"; count = 1; }
modules { path = "%[4]s/plugins/multimap.lua"; }
lua = "%[4]s/rules/rspamd.lua";
metric { name = "default"; actions { reject = 15; } }
multimap { %[2]s }
`, dir, strings.ReplaceAll(manual(t, "In `local.d/multimap.conf`; rspamd sees by itself that the file changed:"), "/var/lib/harvester/export/rspamd.map", to.Path), port, share)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(to.Path, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(rspamd, "-c", filepath.Join(dir, "rspamd.conf"), "-f", "--insecure")
	address := fmt.Sprintf("127.0.0.1:%d", port)
	mtatest.Background(t, cmd, address, filepath.Join(dir, "rspamd.log"))
	ask := func(recipient string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/checkv2", strings.NewReader("From: news@example.org\r\nSubject: news\r\n\r\nnews\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header["Rcpt"], req.Header["From"] = []string{recipient}, []string{"news@example.org"}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var answer struct{ Action string }
		if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return answer.Action
	}
	asked := 0
	for _, a := range dotAtoms(rows(t, to)) {
		asked++
		if got := ask(a); got != "reject" {
			t.Errorf("%s: %s, want reject", a, got)
		}
	}
	if asked < 10 {
		t.Errorf("only %d addresses were asked for", asked)
	}
	if got := ask("JANE.DOE@EXAMPLE.COM"); got != "reject" {
		t.Errorf("in capitals: %s", got)
	}
	for _, a := range []string{"nobody@example.com", "doe@example.com"} {
		if got := ask(a); got == "reject" {
			t.Errorf("%s, which is not on the list, is rejected", a)
		}
	}
	version := strings.Fields(runWith(t, "", rspamd, "--version") + " ? ? ? ?")
	renew(t, "rspamd", "rspamd", version[slices.IndexFunc(version, func(w string) bool { return w[0] >= '0' && w[0] <= '9' || w == "?" })])
}
