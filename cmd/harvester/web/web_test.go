package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/cmd/harvester/metrics"
	"harvester/fixtures"
	"harvester/harvest"
	"harvester/parse"
	"harvester/schedule"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/policy"
	"harvester/store/query"
)

const token = "a-token-that-nobody-guesses"

// client asks a server under test; it keeps cookies and follows nothing.
type client struct {
	t   *testing.T
	url string
	set *compose.Set
	http.Client
}

// filled is the file of a database that holds what the fixtures say, one of
// them as often as makes a trend. It is made once; each test works on a copy.
var filled = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "web")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	set, err := openSet(dir)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(fill(set), set.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "h.db"))
})

func openSet(dir string) (*compose.Set, error) {
	file := filepath.Join(dir, "harvester.toml")
	text := `own_domains = ["example.org"]
timezone = "UTC"
[store]
path = "h.db"
[[mailbox]]
name = "bounces"
server = "127.0.0.1:1"
tls = "none"
username = "u"
password = "env:NONE"
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	c, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	return compose.Open(context.Background(), c, compose.Options{})
}

func serve(t testing.TB, change func(*Options)) (*httptest.Server, *compose.Set) {
	t.Helper()
	dir := t.TempDir()
	db, err := filled()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "h.db"), db, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	set, err := openSet(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Error(err)
		}
	})
	o := Options{Token: token, Set: set, Alive: func() error { return nil }, Metrics: metrics.New("test").Handler(set, func() []schedule.State { return nil }), Log: slog.New(slog.DiscardHandler),
		States: func() []schedule.State { return []schedule.State{{Job: job.Harvest.Of("bounces"), Next: time.Now()}} }}
	if change != nil {
		change(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s, set
}

func fill(set *compose.Set) error {
	var messages []harvest.Message
	add := func(raw []byte, at time.Time) {
		messages = append(messages, harvest.Message{Locator: harvest.Locator{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, UID: uint32(len(messages) + 1)},
			Raw: raw, Size: int64(len(raw)), Hash: sha256.Sum256(raw), Received: at})
	}
	now := time.Now()
	names, err := fs.Glob(fixtures.FS, "*/*.eml")
	if err != nil {
		return err
	}
	for i, name := range names {
		raw, err := fixtures.FS.ReadFile(name)
		if err != nil {
			return err
		}
		when := now.Add(-time.Hour)
		if i%3 > 0 { // the others make today a day on which much comes together
			when = when.AddDate(0, 0, -i%13)
		}
		add(raw, when)
		// Before today a few of them a day, fewer at the end of a week.
		for day := 1; day < 30; day++ {
			rhythm := 40 + 60*(day%7/5)
			if (i*31+day*17)%rhythm < 2 || name == "postfix/failed.eml" {
				add(again(raw, day), now.AddDate(0, 0, -day))
			}
		}
	}
	ctx := context.Background()
	if _, err := set.DB.Judge.Commit(ctx, facts.Batch{Items: schedule.Parse(messages, &parse.Options{OwnDomains: []string{"example.org"}})}); err != nil {
		return err
	}
	id, err := set.DB.Runs.BeginRun(ctx, job.Harvest.Of("bounces"))
	if err != nil {
		return err
	}
	return set.DB.Runs.EndRun(ctx, id, "3 read", nil)
}

// again is a mail like another that came on an earlier day.
func again(raw []byte, day int) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("Message-ID: <"), fmt.Appendf(nil, "Message-ID: <d%d.", day)),
		[]byte("Message-Id: <"), fmt.Appendf(nil, "Message-Id: <d%d.", day))
}

func start(t *testing.T, change func(*Options)) *client {
	s, set := serve(t, change)
	c := &client{t: t, url: s.URL, set: set}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// reply is an answer, read to its end.
type reply struct {
	Status int
	Header http.Header
	Body   string
}

// ask sends a request with the token.
func (c *client) ask(method, path, body string, header ...string) reply {
	c.t.Helper()
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := c.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

// want fails unless an answer has a status and holds a text.
func (c *client) want(status int, text, method, path, body string, header ...string) string {
	c.t.Helper()
	got := c.ask(method, path, body, header...)
	if got.Status != status || !strings.Contains(got.Body, text) {
		c.t.Errorf("%s %s: %d, want %d with %q\n%.600s", method, path, got.Status, status, text, got.Body)
	}
	return got.Body
}

var address = regexp.MustCompile(`[a-z0-9]@[a-z0-9]`)

// Whatever shows an address wants the token, and nobody gets in with a wrong
// one, an old session or from another site.
func TestGuard(t *testing.T) {
	c := start(t, nil)
	for _, r := range (&server{}).routes() {
		method, path, _ := strings.Cut(r.pattern, " ")
		path = strings.NewReplacer("{$}", "", "{stream}", "x", "{id}", "1", "{ref}", "x", "{date}", "2026-01-01").Replace(path)
		for name, header := range map[string][]string{
			"no token": {"Authorization", ""}, "wrong": {"Authorization", "Bearer " + token + "x"}, "basic": {"Authorization", "Basic " + token},
			"forged session": {"Authorization", "", "Cookie", cookieName + "=" + newSession("another token").seal(time.Now().Unix()+100)},
			"old session":    {"Authorization", "", "Cookie", cookieName + "=" + newSession(token).seal(time.Now().Unix()-1)},
		} {
			res := c.ask(method, path, "", header...)
			if r.access != open && res.Status != http.StatusUnauthorized && res.Header.Get("Location") != "/login" {
				t.Errorf("%s with %s: %d", r.pattern, name, res.Status)
			}
			if address.MatchString(res.Body) {
				t.Errorf("%s with %s shows an address:\n%.300s", r.pattern, name, res.Body)
			}
			for _, h := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"} {
				if res.Header.Get(h) == "" {
					t.Errorf("%s lacks the header %s", r.pattern, h)
				}
			}
			if h := res.Header.Get("Access-Control-Allow-Origin"); h != "" {
				t.Errorf("%s is open to other sites: %s", r.pattern, h)
			}
		}
	}
	c.want(http.StatusForbidden, "another site", "POST", "/v1/suppressions", "{}", "Sec-Fetch-Site", "cross-site")
	c.want(http.StatusForbidden, "another site", "POST", "/act", "", "Origin", "https://evil.example")
}

// Without a token there is health, and nothing else.
func TestNoToken(t *testing.T) {
	c := start(t, func(o *Options) { o.Token = "" })
	c.want(http.StatusOK, "ok", "GET", "/livez", "")
	c.want(http.StatusForbidden, "set web.token", "GET", "/v1/lookup?address=a%40b.example", "", "Authorization", "Bearer ")
	c.want(http.StatusForbidden, "none is configured", "GET", "/", "", "Cookie", cookieName+"="+session{}.seal(time.Now().Unix()+100))
	c.want(http.StatusOK, "none is configured", "GET", "/login", "")
	c.want(http.StatusForbidden, "", "POST", "/login", "token=", "Content-Type", "application/x-www-form-urlencoded")
}

func TestSignIn(t *testing.T) {
	c := start(t, nil)
	form := []string{"Content-Type", "application/x-www-form-urlencoded", "Authorization", ""}
	c.want(http.StatusForbidden, "not the token", "POST", "/login", "token=wrong", form...)
	res := c.ask("POST", "/login", "token="+token, form...)
	cookie := res.Header.Get("Set-Cookie")
	if res.Status != http.StatusSeeOther || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") || strings.Contains(cookie, token) {
		t.Fatalf("%d, cookie %q", res.Status, cookie)
	}
	value, _, _ := strings.Cut(cookie, ";")
	c.want(http.StatusOK, "so far today", "GET", "/", "", "Authorization", "", "Cookie", value)
	// The programs' side takes no cookies, so that no site can use one.
	c.want(http.StatusUnauthorized, "", "GET", "/v1/incidents", "", "Authorization", "", "Cookie", value)
}

func TestHealth(t *testing.T) {
	alive := error(nil)
	c := start(t, func(o *Options) { o.Alive = func() error { return alive } })
	c.want(http.StatusOK, "ok", "GET", "/livez", "", "Authorization", "")
	c.want(http.StatusOK, `"ready":true`, "GET", "/readyz", "", "Authorization", "")
	alive = fmt.Errorf("the loop is stuck")
	c.want(http.StatusServiceUnavailable, "stuck", "GET", "/livez", "")
}

func TestReadyNamesTheMailbox(t *testing.T) {
	c := start(t, nil)
	ctx := t.Context()
	for range 2 { // a failing run is no good poll, however new
		id, err := c.set.DB.Runs.BeginRun(ctx, job.Harvest.Of("bounces"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.set.DB.Runs.EndRun(ctx, id, "", fmt.Errorf("login of jane@example.org refused")); err != nil {
			t.Fatal(err)
		}
	}
	c.want(http.StatusOK, `"ready":true`, "GET", "/readyz", "") // the good one is recent
	c.set.Config.Mailboxes[0].Name = "never-read"
	got := c.want(http.StatusServiceUnavailable, `"name":"never-read","ready":false`, "GET", "/readyz", "")
	if strings.Contains(got, "@") {
		t.Error(got)
	}
}

// Pages put together are the whole list, and each address stands on one page.
func TestPaging(t *testing.T) {
	c := start(t, nil)
	var whole []string
	for s, err := range c.set.DB.List.Suppressions(t.Context(), query.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		whole = append(whole, s.Key+" "+s.Source+" "+s.Stream)
	}
	if len(whole) < 20 {
		t.Fatalf("only %d rows to page through", len(whole))
	}
	for _, limit := range []int{1, 7, 1000} {
		var paged []string
		pages, cursor := 0, ""
		for {
			var page SuppressionPage
			c.json(&page, fmt.Sprintf("/v1/suppressions?limit=%d&cursor=%s", limit, cursor))
			for _, s := range page.Suppressions {
				paged = append(paged, s.Key+" "+s.Source+" "+s.Stream)
			}
			if pages++; page.Next == "" || pages > 1000 {
				break
			}
			cursor = page.Next
		}
		if strings.Join(paged, "\n") != strings.Join(whole, "\n") {
			t.Errorf("limit %d: %d rows on %d pages, want %d", limit, len(paged), pages, len(whole))
		}
	}
	var events EventPage
	seen, cursor := map[int64]bool{}, ""
	for range 1000 {
		c.json(&events, "/v1/events?limit=50&cursor="+cursor)
		for _, e := range events.Events {
			seen[e.ID] = true
		}
		if cursor = events.Next; cursor == "" {
			break
		}
	}
	status, err := c.set.DB.Reports.Status(t.Context())
	if err != nil || len(seen) != status.Events {
		t.Errorf("%d events, want %d (%v)", len(seen), status.Events, err)
	}
}

func (c *client) json(v any, path string) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(c.want(http.StatusOK, "", "GET", path, "")), v); err != nil {
		c.t.Fatal(err)
	}
}

// A reader that follows the marks sees every change once.
func TestChangesSince(t *testing.T) {
	c := start(t, nil)
	var page SuppressionPage
	c.json(&page, "/v1/suppressions?limit=1")
	var none ChangePage
	c.json(&none, fmt.Sprintf("/v1/suppressions?since=%d", page.Mark))
	if len(none.Changes) != 0 || none.Mark != page.Mark {
		t.Errorf("%+v", none)
	}
	c.want(http.StatusOK, `"pattern":"new@example.net"`, "POST", "/v1/suppressions", `{"address":"New@example.net","reason":"asked","author":"crm"}`)
	var one ChangePage
	c.json(&one, fmt.Sprintf("/v1/suppressions?since=%d", page.Mark))
	if len(one.Changes) != 1 || one.Changes[0].Op != "add" || one.Changes[0].Key != "new@example.net" || one.Mark <= page.Mark {
		t.Errorf("%+v", one)
	}
	c.want(http.StatusOK, `"suppressed":true`, "GET", "/v1/lookup?address=NEW%40example.net", "")
	c.want(http.StatusOK, `"suppressed":false`, "GET", "/v1/lookup?address=other%40example.net", "")
	c.want(http.StatusOK, `"address":"a+b@example.net"`, "GET", "/v1/lookup?address=a+b@example.net", "")
	c.want(http.StatusOK, `"address":"a+b@example.net"`, "GET", "/v1/lookup?address=a%2Bb%40example.net", "")
	c.want(http.StatusOK, `{"verdicts":[{"address":"new@example.net","suppressed":true`, "POST", "/v1/lookup", `{"addresses":["new@example.net","x@example.net"]}`)
}

func TestEntityTag(t *testing.T) {
	c := start(t, nil)
	const path = "/v1/lookup?address=jane%40example.net"
	tag := c.ask("GET", path, "").Header.Get("ETag")
	if res := c.ask("GET", path, "", "If-None-Match", tag); res.Status != http.StatusNotModified || res.Body != "" {
		t.Errorf("%d %q with %s", res.Status, res.Body, tag)
	}
	c.want(http.StatusOK, "", "POST", "/v1/suppressions", `{"address":"jane@example.net","act":"allow","reason":"asked","author":"crm"}`)
	c.want(http.StatusOK, "", "POST", "/v1/suppressions", `{"address":"jane@example.net","act":"add","reason":"asked","author":"crm"}`)
	c.want(http.StatusOK, "", "GET", path, "", "If-None-Match", `"other"`)
}

func TestLedger(t *testing.T) {
	c := start(t, nil)
	c.want(http.StatusOK, `{"read":2,"proven":0}`, "POST", "/v1/ledger", `{"message_id":"<1@example.org>","recipient":"jane@example.net"}
{"message_id":"<2@example.org>","recipient":"joe@example.net","stream":"news","at":"2026-01-31T10:00:00Z"}
`)
	c.want(http.StatusBadRequest, "row 2", "POST", "/v1/ledger", `{"message_id":"<3@example.org>","recipient":"jane@example.net"}
{"message":"x"}`)
	c.want(http.StatusBadRequest, "row 1", "POST", "/v1/ledger", `{"message_id":"","recipient":"jane@example.net"}`)
}

func TestBadRequests(t *testing.T) {
	c := start(t, nil)
	many := `{"addresses":["a@b.example"` + strings.Repeat(`,"a@b.example"`, query.LookupBatch) + `]}`
	for _, tt := range []struct {
		status                   int
		text, method, path, body string
	}{
		{400, "parameter address is missing", "GET", "/v1/lookup", ""},
		{400, `no parameter \"adress\"`, "GET", "/v1/lookup?adress=x&address=a%40b.example", ""},
		{400, `\"Jane \u003ca+b@example.com\u003e\" is not an address","hint":"send one bare address`, "GET", "/v1/lookup?address=Jane%20%3Ca+b%40example.com%3E", ""},
		{400, "is not an address", "GET", "/v1/lookup?address=a%40b.example,c%40d.example", ""},
		{400, "is not an address", "GET", "/v1/lookup?address=nobody", ""},
		{400, `addresses[1]: `, "POST", "/v1/lookup", `{"addresses":["a@b.example","a@b.example c@d.example"]}`},
		{400, "given 2 times", "GET", "/v1/lookup?address=x&address=y", ""},
		{400, "1 to 10,000", "POST", "/v1/lookup", `{"addresses":[]}`},
		{400, "1 to 10,000", "POST", "/v1/lookup", many},
		{400, "not what is asked for", "POST", "/v1/lookup", `{"adresses":[]}`},
		{400, "more than one JSON value", "POST", "/v1/lookup", `{"addresses":["a@b.example"]} {}`},
		{413, "larger than", "POST", "/v1/lookup", `{"addresses":["` + strings.Repeat("a", maxBody) + `"]}`},
		{400, "limit must be a number from 1 to 10000", "GET", "/v1/suppressions?limit=0", ""},
		{400, "cursor is damaged", "GET", "/v1/suppressions?cursor=%21", ""},
		{400, "no source", "GET", "/v1/suppressions?source=bounces", ""},
		{400, "since is no time", "GET", "/v1/events?since=yesterday", ""},
		{400, "no act", "POST", "/v1/suppressions", `{"act":"undo","address":"a@b.example","reason":"r","author":"a"}`},
		{400, "needs a reason and an author", "POST", "/v1/suppressions", `{"address":"a@b.example"}`},
		{400, "covers too much", "POST", "/v1/suppressions", `{"address":"@example","reason":"r","author":"a"}`},
		{400, "never suppressed", "POST", "/v1/suppressions", `{"address":"kate@example.org","reason":"r","author":"a"}`},
		{404, "not found", "GET", "/v1/pause/nothing", ""},
		{405, "", "DELETE", "/v1/suppressions", ""},
		{404, "", "GET", "/v1/nothing", ""},
		{404, "", "GET", "/%2e%2e/etc/passwd", ""},
		{404, "", "GET", "/style.css%00", ""},
		{400, "That is no address", "GET", "/address?q=%3Cscript%3E", ""},
		{403, "may not act", "POST", "/act", ""},
	} {
		c.want(tt.status, tt.text, tt.method, tt.path, tt.body)
	}
}

func TestActs(t *testing.T) {
	c := start(t, func(o *Options) { o.Actions = true })
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	c.want(http.StatusSeeOther, "", "POST", "/act", "act=add&subject=jane%40example.net&reason=asked", form...)
	c.want(http.StatusOK, "must not be mailed", "GET", "/address?q=jane%40example.net", "")
	c.want(http.StatusSeeOther, "", "POST", "/act", "act=allow&subject=jane%40example.net&reason=asked+again&author=kim", form...)
	c.want(http.StatusOK, "by kim: asked again", "GET", "/address?q=jane%40example.net", "")
	list, err := c.set.DB.Incidents.Incidents(t.Context(), time.Now())
	if err != nil || len(list) == 0 {
		t.Fatalf("no incident to acknowledge: %v", err)
	}
	c.want(http.StatusSeeOther, "", "POST", "/act", "act=ack&subject="+list[0].ID+"&reason=seen", form...)
	c.want(http.StatusOK, "ack by status page: seen", "GET", "/incident?id="+url.QueryEscape(list[0].ID), "")
	c.want(http.StatusBadRequest, "reason is missing", "POST", "/act", "act=ack&subject=x", form...)
	c.want(http.StatusBadRequest, "no act", "POST", "/act", "act=drop&reason=x", form...)
	c.want(http.StatusNotFound, "", "POST", "/act", "act=release&reason=x", form...)
}

// A burst is held back, and the page shows how to decide about it: with a form
// where it may act, else with the command.
func TestHolds(t *testing.T) {
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for _, act := range []string{"", "hold-release", "hold-drop"} {
		c := start(t, func(o *Options) { o.Actions = act != "" })
		h, ok := held(t, c)
		if !ok {
			t.Fatal("nothing is held")
		}
		id := h.ID()
		if act == "" {
			c.want(http.StatusOK, "harvester holds drop "+id, "GET", "/", "")
			continue
		}
		c.want(http.StatusOK, `value="`+act+`"`, "GET", "/", "")
		c.want(http.StatusNotFound, "", "POST", "/act", "act="+act+"&subject=outage:nobody:2026-01-01T00&reason=x", form...)
		c.want(http.StatusSeeOther, "", "POST", "/act", "act="+act+"&subject="+url.QueryEscape(id)+"&reason=looked", form...)
		c.want(http.StatusOK, strings.TrimPrefix(act, "hold-")+" by status page", "GET", "/", "")
		if now, ok := held(t, c); ok && now.ID() == id {
			t.Errorf("%s: %d are held still", act, now.Held)
		}
	}
}

// held is the first hold that holds anything.
func held(t *testing.T, c *client) (query.Hold, bool) {
	t.Helper()
	holds, err := c.set.DB.Reports.Holds(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range holds {
		if h.Held > 0 {
			return h, true
		}
	}
	return query.Hold{}, false
}

// What a mail brings stays text.
func TestPagesEscape(t *testing.T) {
	c := start(t, nil)
	const evil = `<script>alert(1)</script>"' onload=x`
	got := c.want(http.StatusOK, "", "GET", "/address?q="+"%3Cscript%3Ealert(1)%3C%2Fscript%3E%40example.net", "")
	if strings.Contains(got, "<script") {
		t.Error(got)
	}
	if _, err := c.set.DB.Judge.Override(t.Context(), policy.Override{Act: policy.Add, Pattern: "jane@example.net", Reason: evil, Author: "test"}); err != nil {
		t.Fatal(err)
	}
	got = c.want(http.StatusOK, "&lt;script&gt;alert(1)", "GET", "/address?q=jane%40example.net", "")
	if strings.Contains(got, "<script") {
		t.Error(got)
	}
}
