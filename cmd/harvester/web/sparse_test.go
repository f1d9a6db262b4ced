package web

import (
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"harvester/fixtures"
	"harvester/harvest"
	"harvester/parse"
	"harvester/schedule"
	"harvester/store/facts"
)

// Every page holds with nothing stored, with one event, with weeks in which
// nothing came in, and with a receiver whose name attacks the page.
func TestSparseAndHostileDatabases(t *testing.T) {
	raw, err := fixtures.FS.ReadFile("postfix/failed.eml")
	if err != nil {
		t.Fatal(err)
	}
	const evil = `"><script>alert(1)</script><style>*{display:none}</style>`
	for name, ago := range map[string][]int{"nothing": nil, "one event": {0}, "a gap": {40, 39, 38, 10, 0}, "hostile": {3, 1}} {
		t.Run(name, func(t *testing.T) {
			set, err := openSet(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			var items []harvest.Message
			for i, days := range ago {
				mail := again(raw, i)
				items = append(items, harvest.Message{Locator: harvest.Locator{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, UID: uint32(i + 1)},
					Raw: mail, Size: int64(len(mail)), Hash: sha256.Sum256(mail), Received: time.Now().AddDate(0, 0, -days)})
			}
			out, err := set.DB.Judge.Commit(t.Context(), facts.Batch{Items: schedule.Parse(items, &parse.Options{OwnDomains: []string{"example.org"}})})
			if err != nil || out.Messages != len(ago) {
				t.Fatal(out, err)
			}
			receiver := ""
			if name == "hostile" {
				receiver = evil
				if _, err := set.DB.Write.Exec(`UPDATE events SET operator = ?, stream = ?, diagnostic = ?`, evil, evil, evil); err != nil {
					t.Fatal(err)
				}
			}
			h, err := New(Options{Token: token, Set: set, Alive: func() error { return nil }, Log: slog.New(slog.DiscardHandler), States: func() []schedule.State { return nil }})
			if err != nil {
				t.Fatal(err)
			}
			q := url.QueryEscape(receiver)
			for _, path := range []string{"/", "/?days=90", "/failures", "/failures?days=90", "/receiver?name=" + q, "/reason?name=user_unknown", "/stream?name=" + q, "/events", "/events?receiver=" + q,
				"/list", "/list?state=held", "/incidents", "/rates", "/jobs", "/reports", "/report/" + time.Now().UTC().Format(time.DateOnly), "/triage"} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
				r.Header.Set("Authorization", "Bearer "+token)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				page := w.Body.String()
				if w.Code != http.StatusOK || !strings.Contains(page, "</html>") {
					t.Errorf("%s: %d %.200s", path, w.Code, page)
				}
				for _, wrong := range []string{"NaN", "Inf", "%!", "<no value>", "0001-01-01", "<script>alert", "<style>*"} {
					if i := strings.Index(page, wrong); i >= 0 {
						t.Errorf("%s: %q in …%.80s…", path, wrong, page[max(0, i-40):])
					}
				}
			}
		})
	}
}
