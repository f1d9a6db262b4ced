package report

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// probe is appended to a report for the test alone. It lays the page into
// frames of several widths (a window has a least width of its own) and prints
// what it measured.
const probe = `<!doctype html><meta charset="utf-8"><body><pre id="out"></pre><script>
const widths = [360, 640, 1280];
let left = widths.length;
for (const w of widths) {
  const f = document.createElement('iframe');
  f.style.cssText = 'border:0;width:' + w + 'px;height:600px';
  f.onload = () => {
    const d = f.contentDocument, wide = [];
    for (const e of d.querySelectorAll('body *')) {
      const r = e.getBoundingClientRect();
      if (r.width > 0 && (r.right > w + 0.5 || r.left < -0.5)) wide.push(e.tagName);
      if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline' && e.clientWidth > 0) wide.push(e.tagName + '.' + e.className);
    }
    const style = f.contentWindow.getComputedStyle(d.body);
    document.getElementById('out').textContent += 'W' + w + ' overflow=' + (d.documentElement.scrollWidth > w) + ' wide=' + wide.slice(0, 5) +
      ' scripts=' + d.scripts.length + ' images=' + d.images.length + ' handlers=' + d.querySelectorAll('[onerror],[onload],[onclick]').length +
      ' loaded=' + f.contentWindow.performance.getEntriesByType('resource').length + ' background=' + style.backgroundColor + ' text=' + d.body.innerText.includes('MARK') + '\n';
    if (--left === 0) document.title = 'done';
  };
  f.src = '/report.html';
  document.body.append(f);
}
</script>`

// The page fits the widths of a phone, a mail and a desktop in both colour
// schemes, loads nothing, runs nothing and shows its text.
func TestHTMLInChromium(t *testing.T) {
	bin := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			bin = p
			break
		}
	}
	if bin == "" {
		if os.Getenv("HARVESTER_REQUIRE_CHROMIUM") == "1" {
			t.Fatal("HARVESTER_REQUIRE_CHROMIUM=1, but chromium is not installed")
		}
		t.Skip("chromium is not installed: the look of the HTML report is not tested")
	}
	const dark, light = "0", "1"
	for _, c := range []struct {
		name       string
		form       form
		scheme     string
		background string
		mark       string // stands in the page as text
	}{
		{"busy-full", forms[2], dark, "rgb(16, 19, 21)", "jane.doe@example.com"},
		{"busy-full", forms[2], light, "rgb(242, 243, 245)", "jane.doe@example.com"},
		{"hostile", forms[2], dark, "rgb(16, 19, 21)", "alert(1)"},
		{"hostile", forms[3], light, "rgb(242, 243, 245)", "alert(1)"},
	} {
		t.Run(c.name+"."+c.form.ext+"/"+map[string]string{dark: "dark", light: "light"}[c.scheme], func(t *testing.T) {
			page := render(t, cases()[c.name], c.form)
			var stray atomic.Int32
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				switch r.URL.Path {
				case "/":
					_, _ = fmt.Fprint(w, strings.ReplaceAll(probe, "MARK", c.mark))
				case "/report.html":
					_, _ = w.Write(page)
				case "/favicon.ico":
				default:
					stray.Add(1)
				}
			}))
			defer srv.Close()
			got := dump(t, bin, srv.URL, "--blink-settings=preferredColorScheme="+c.scheme)
			for _, w := range []int{360, 640, 1280} {
				want := fmt.Sprintf("W%d overflow=false wide= scripts=0 images=0 handlers=0 loaded=0 background=%s text=true", w, c.background)
				if !strings.Contains(got, want) {
					t.Errorf("want %s\n got %s", want, got)
				}
			}
			if n := stray.Load(); n > 0 {
				t.Errorf("%d requests for something else", n)
			}
		})
	}
}

// dump is what the probe wrote into the page at url.
func dump(t *testing.T, bin, url string, more ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	args := append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(), "--window-size=1400,900", "--virtual-time-budget=5000", "--dump-dom"}, more...)
	cmd := exec.CommandContext(ctx, bin, append(args, url)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running %s: %v\n%s", bin, err, errs.String())
	}
	_, got, _ := strings.Cut(string(out), `<pre id="out">`)
	got, _, _ = strings.Cut(got, "</pre>")
	return got
}
