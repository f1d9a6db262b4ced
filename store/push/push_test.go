package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
)

func act(t *testing.T, db *store.DB, a policy.Act, address string) {
	t.Helper()
	if _, err := db.Judge.Override(context.Background(), policy.Override{Act: a, Pattern: address, Reason: "test", Author: "test"}); err != nil {
		t.Fatal(err)
	}
}

func mustRun(t *testing.T, db *store.DB, s Settings) Result {
	t.Helper()
	r, err := Run(context.Background(), db, s, false)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Each service is told what came onto the list and what left it, in its own
// words, and nothing twice.
func TestServices(t *testing.T) {
	for service, want := range map[string][2]string{
		"ses": {"b@example.net:BOUNCE c@example.net:COMPLAINT jane@example.com:BOUNCE m@example.net:BOUNCE",
			"c@example.net:COMPLAINT m@example.net:BOUNCE new@example.net:BOUNCE"},
		"sendgrid": {"b@example.net:group c@example.net:group jane@example.com:group m@example.net:group u@example.net:group",
			"c@example.net:group m@example.net:group new@example.net:group u@example.net:group"},
		"mailgun": {"b@example.net:bounces c@example.net:complaints jane@example.com:bounces m@example.net:bounces u@example.net:unsubscribes",
			"c@example.net:complaints m@example.net:bounces new@example.net:bounces u@example.net:unsubscribes"},
		"sparkpost": {"b@example.net:transactional+non_transactional c@example.net:transactional+non_transactional jane@example.com:transactional+non_transactional m@example.net:transactional+non_transactional u@example.net:non_transactional",
			"c@example.net:transactional+non_transactional m@example.net:transactional+non_transactional new@example.net:transactional+non_transactional u@example.net:non_transactional"},
		"postmark": {"b@example.net:manual c@example.net:manual jane@example.com:manual m@example.net:manual u@example.net:manual",
			"c@example.net:manual m@example.net:manual new@example.net:manual u@example.net:manual"},
		"listmonk": {"b@example.net:hard c@example.net:complaint jane@example.com:hard m@example.net:hard",
			"c@example.net:complaint m@example.net:hard new@example.net:hard"},
		"azure": {"b@example.net:list c@example.net:list jane@example.com:list m@example.net:list u@example.net:list",
			"c@example.net:list m@example.net:list new@example.net:list u@example.net:list"},
		"resend": {"b@example.net:list c@example.net:list jane@example.com:list m@example.net:list u@example.net:list",
			"c@example.net:list m@example.net:list new@example.net:list u@example.net:list"},
		"mailjet": {"b@example.net:excluded c@example.net:excluded jane@example.com:excluded m@example.net:excluded u@example.net:excluded",
			"c@example.net:excluded m@example.net:excluded new@example.net:excluded u@example.net:excluded"},
		"scaleway": {"b@example.net:mailbox_not_found c@example.net:mailbox_not_found jane@example.com:mailbox_not_found m@example.net:mailbox_not_found u@example.net:mailbox_not_found",
			"c@example.net:mailbox_not_found m@example.net:mailbox_not_found new@example.net:mailbox_not_found u@example.net:mailbox_not_found"},
		"mautic": {"b@example.net:2 c@example.net:1 jane@example.com:2 m@example.net:3 u@example.net:1",
			"c@example.net:1 m@example.net:3 new@example.net:2 u@example.net:1"},
		"http": {"b@example.net:list c@example.net:list jane@example.com:list m@example.net:list u@example.net:list",
			"c@example.net:list m@example.net:list new@example.net:list u@example.net:list"},
	} {
		t.Run(service, func(t *testing.T) {
			db := openDB(t)
			notice(t, db, bounce.KindBounce, "Jane@example.com", "b@example.net")
			notice(t, db, bounce.KindComplaint, "c@example.net")
			notice(t, db, bounce.KindUnsubscribe, "u@example.net")
			act(t, db, policy.Add, "m@example.net")
			f := &fake{t: t, held: map[string]string{}}
			s := to(t, service, f.serve(documented(f, service)))
			dry, err := Run(context.Background(), db, s, true)
			if err != nil || len(f.log) > 0 || dry.Requests > 0 {
				t.Errorf("the dry run: %+v, %v, %q", dry, err, f.log)
			}
			first := mustRun(t, db, s)
			if f.state() != want[0] || first.Added != len(f.held) || dry.Added != first.Added {
				t.Errorf("first: %s\nwant   %s\n%+v", f.state(), want[0], first)
			}
			if r := mustRun(t, db, s); r.Requests != 0 || r.Added+r.Removed+r.Refused != 0 {
				t.Errorf("nothing changed, but %+v", r)
			}
			act(t, db, policy.Remove, "b@example.net")
			act(t, db, policy.Remove, "jane@example.com")
			notice(t, db, bounce.KindBounce, "new@example.net")
			second := mustRun(t, db, s)
			if f.state() != want[1] || second.Removed+second.Stuck != 2 || second.Added != 1 {
				t.Errorf("second: %s\nwant    %s\n%+v", f.state(), want[1], second)
			}
			if r := mustRun(t, db, s); r.Requests != 0 {
				t.Errorf("nothing changed, but %+v", r)
			}
		})
	}
}

// An API user of listmonk that may report bounces alone goes on to do so; what
// it can't take off is listed.
func TestListmonkWithoutRights(t *testing.T) {
	db := openDB(t)
	notice(t, db, bounce.KindBounce, "jane@example.net")
	f := &fake{t: t, held: map[string]string{}, denied: true}
	s := to(t, "listmonk", f.serve(documented(f, "listmonk")))
	mustRun(t, db, s)
	act(t, db, policy.Remove, "jane@example.net")
	notice(t, db, bounce.KindBounce, "o'new@example.net")
	if r := mustRun(t, db, s); r.Added != 1 || r.Removed != 0 || r.Refused != 1 {
		t.Errorf("%+v", r)
	}
	refusals, err := db.Pushes.PushRefusals(context.Background(), "out")
	if err != nil || len(refusals) != 1 || !strings.Contains(refusals[0].Refused, "may not enable subscribers") {
		t.Errorf("%+v, %v", refusals, err)
	}
}

func many(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("user%03d@d%d.example", i, i))
	}
	return out
}

// Batches are no larger than the service takes.
func TestBatches(t *testing.T) {
	for service, want := range map[string]int{"postmark": 50, "http": 3, "mailgun": 120} {
		db := openDB(t)
		notice(t, db, bounce.KindBounce, many(120)...)
		f := &fake{t: t, held: map[string]string{}}
		r := mustRun(t, db, to(t, service, f.serve(documented(f, service))))
		if f.most != want || len(f.held) != 120 || r.Added != 120 {
			t.Errorf("%s: %d at most, %d held, %+v", service, f.most, len(f.held), r)
		}
	}
}

// What a service does not take is recorded with its words, and the others of
// the same request are told all the same.
func TestPartialFailure(t *testing.T) {
	for _, service := range []string{"postmark", "mailgun", "sendgrid"} {
		db := openDB(t)
		notice(t, db, bounce.KindBounce, many(20)...)
		f := &fake{t: t, held: map[string]string{}, bad: []string{"user007@d7.example", "user019@d19.example"}}
		s := to(t, service, f.serve(documented(f, service)))
		r := mustRun(t, db, s)
		if len(f.held) != 18 || r.Added != 18 || r.Refused != 2 {
			t.Errorf("%s: %d held, %+v", service, len(f.held), r)
		}
		refusals, err := db.Pushes.PushRefusals(context.Background(), "out")
		if err != nil || len(refusals) != 2 || refusals[0].Address != "user007@d7.example" || !strings.Contains(refusals[0].Refused, "invalid") {
			t.Errorf("%s: %+v, %v", service, refusals, err)
		}
		if r := mustRun(t, db, s); r.Requests != 0 {
			t.Errorf("%s: what was refused is told again: %+v", service, r)
		}
	}
}

// An address that a target can't represent is no request at all.
func TestWhatATargetCantTake(t *testing.T) {
	db := openDB(t)
	notice(t, db, bounce.KindBounce, "jörg@example.net", "jane@example.net")
	f := &fake{t: t, held: map[string]string{}}
	if r := mustRun(t, db, to(t, "ses", f.serve(documented(f, "ses")))); r.Added != 1 || r.Refused != 1 || f.state() != "jane@example.net:BOUNCE" {
		t.Errorf("%+v, %s", r, f.state())
	}
}

func answer(status int, field, value string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		if field != "" {
			w.Header().Set(field, value)
		}
		http.Error(w, "not now", status)
	}
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// A service that is busy, broken, slow or gone for a moment is asked again, as
// late as it wants.
func TestRetries(t *testing.T) {
	db := openDB(t)
	notice(t, db, bounce.KindBounce, "jane@example.net")
	f := &fake{t: t, held: map[string]string{}}
	stall := make(chan struct{})
	defer close(stall)
	f.next = []func(http.ResponseWriter, *http.Request){
		answer(429, "Retry-After", "17"), answer(503, "Retry-After", day.Add(40*time.Second).Format(http.TimeFormat)), hangUp, answer(500, "", ""),
		func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-stall:
			case <-r.Context().Done():
			}
		},
	}
	s := to(t, "sendgrid", f.serve(documented(f, "sendgrid")))
	s.Timeout = 300 * time.Millisecond
	var slept []time.Duration
	s.Sleep = func(_ context.Context, d time.Duration) error {
		slept = append(slept, d.Round(time.Second))
		return nil
	}
	s.Rate = 1_000_000 // no pause of its own
	if r := mustRun(t, db, s); r.Added != 1 || r.Requests != 6 || f.state() != "jane@example.net:group" {
		t.Errorf("%+v, %s", r, f.state())
	}
	want := []time.Duration{17 * time.Second, 40 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}
	slept = slices.DeleteFunc(slept, func(d time.Duration) bool { return d == 0 })
	if !slices.Equal(slept, want) {
		t.Errorf("it waited %v, want %v", slept, want)
	}
}

// A target that wants to be left alone for long is.
func TestLongRetryAfter(t *testing.T) {
	db := openDB(t)
	notice(t, db, bounce.KindBounce, "jane@example.net")
	f := &fake{t: t, held: map[string]string{}, next: []func(http.ResponseWriter, *http.Request){answer(429, "Retry-After", "86400")}}
	_, err := Run(context.Background(), db, to(t, "sendgrid", f.serve(documented(f, "sendgrid"))), false)
	if err == nil || !strings.Contains(err.Error(), "the next run goes on") || len(f.log) != 1 {
		t.Errorf("%v, %q", err, f.log)
	}
}

// A run that fails in the middle has recorded what it told; the next one tells
// the rest, and only that.
func TestResumes(t *testing.T) {
	db := openDB(t)
	notice(t, db, bounce.KindBounce, many(200)...)
	f := &fake{t: t, held: map[string]string{}}
	documented := documented(f, "postmark")
	broken := true
	s := to(t, "postmark", f.serve(func(r *http.Request, body []byte) (int, string) {
		if broken && len(f.held) >= 100 {
			return 502, "bad gateway"
		}
		return documented(r, body)
	}))
	r, err := Run(context.Background(), db, s, false)
	if err == nil || !strings.Contains(err.Error(), "502") || r.Added != 100 || len(f.held) != 100 {
		t.Fatalf("%+v, %v", r, err)
	}
	// It stops where it is when it is told to, too.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, db, s, false); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	broken = false
	f.log = nil
	if r := mustRun(t, db, s); r.Added != 100 || len(f.log) != 2 || len(f.held) != 200 {
		t.Errorf("%+v, %q, %d held", r, f.log, len(f.held))
	}
}

// A wrong key is no fault of the addresses, and is never shown.
func TestWrongKey(t *testing.T) {
	for _, service := range []string{"ses", "sendgrid", "mailgun", "sparkpost", "postmark", "listmonk", "mautic", "azure", "mailjet", "resend", "scaleway", "http"} {
		db := openDB(t)
		notice(t, db, bounce.KindBounce, many(20)...)
		f := &fake{t: t, held: map[string]string{}}
		s := to(t, service, f.serve(documented(f, service)))
		s.Key = "hunter2"
		r, err := Run(context.Background(), db, s, false)
		if err == nil || !strings.Contains(err.Error(), "is the key right") || strings.Contains(err.Error(), "hunter2") || r.Refused != 0 || len(f.log) != 1 {
			t.Errorf("%s: %+v, %v, %q", service, r, err, f.log)
		}
	}
}

// A target that takes nothing at all is set up wrongly: nothing is recorded.
func TestHopeless(t *testing.T) {
	db := openDB(t)
	notice(t, db, bounce.KindBounce, many(40)...)
	f := &fake{t: t, held: map[string]string{}}
	s := to(t, "sendgrid", f.serve(func(*http.Request, []byte) (int, string) { return 400, "no such group" }))
	if _, err := Run(context.Background(), db, s, false); err == nil || !strings.Contains(err.Error(), `refuses every address`) || !strings.Contains(err.Error(), "no such group") {
		t.Errorf("got %v", err)
	}
	if refusals, err := db.Pushes.PushRefusals(context.Background(), "out"); err != nil || len(refusals) > 0 {
		t.Errorf("%+v, %v", refusals, err)
	}
}

// While the guard keeps the exports still, nobody is told anything.
func TestGuard(t *testing.T) {
	db := openDB(t)
	notice(t, db, bounce.KindBounce, "jane@example.net")
	f := &fake{t: t, held: map[string]string{}}
	s := to(t, "mailgun", f.serve(documented(f, "mailgun")))
	mustRun(t, db, s)
	notice(t, db, bounce.KindBounce, many(500)...)
	if _, err := Run(context.Background(), db, s, false); !errors.Is(err, engine.ErrStopped) || len(f.held) != 1 {
		t.Errorf("%v, %d held", err, len(f.held))
	}
}

// An address that complains after it bounced moves to the other list, and one
// that is forgotten is neither told again nor taken off.
func TestMovesAndForgets(t *testing.T) {
	db := openDB(t)
	notice(t, db, bounce.KindBounce, "jane@example.net", "gone@example.net")
	f := &fake{t: t, held: map[string]string{}}
	s := to(t, "mailgun", f.serve(documented(f, "mailgun")))
	mustRun(t, db, s)
	notice(t, db, bounce.KindComplaint, "jane@example.net")
	if _, err := db.Upkeep.Forget(context.Background(), "gone@example.net", "ops"); err != nil {
		t.Fatal(err)
	}
	mustRun(t, db, s)
	if f.state() != "gone@example.net:bounces jane@example.net:complaints" {
		t.Error(f.state())
	}
	// Another target holds nothing yet; another part of the list is a difference.
	other := &fake{t: t, held: map[string]string{}}
	s.URL = other.serve(documented(other, "mailgun")).URL
	mustRun(t, db, s)
	if other.state() != "jane@example.net:complaints" {
		t.Error(other.state())
	}
	s.Filter.Sources = []string{"bounce"}
	if r := mustRun(t, db, s); r.Removed != 1 || r.Added != 1 || other.state() != "jane@example.net:bounces" {
		t.Errorf("%+v, %s", r, other.state())
	}
	s.Filter.Reasons = []string{"user_unknown"}
	if r := mustRun(t, db, s); r.Removed+r.Added != 0 || other.state() != "jane@example.net:bounces" {
		t.Errorf("of the same reason: %+v, %s", r, other.state())
	}
	s.Filter.Domains = []string{"example.com"}
	if r := mustRun(t, db, s); r.Removed != 1 || r.Added != 0 || other.state() != "" {
		t.Errorf("of another domain: %+v, %s", r, other.state())
	}
}

// A full mailbox that turns out to be gone stays on the list, but the service
// has another place for it.
func TestAnotherReasonIsTold(t *testing.T) {
	db := openDB(t)
	bounced := func(reason bounce.Reason, on int) {
		t.Helper()
		id := fmt.Sprintf("%v-%d", reason, on)
		_, err := db.Judge.Commit(context.Background(), facts.Batch{Items: []facts.Item{{
			Message: harvest.Message{Locator: harvest.Locator{Mailbox: "bounces", Name: id}, Raw: []byte(id), Received: day.AddDate(0, 0, on)},
			Result: parse.Result{Kind: bounce.KindBounce, Original: parse.Original{MessageID: "<" + id + ">", From: "news@example.org", To: "jane@example.net"},
				Recipients: []parse.Recipient{{Recipient: "jane@example.net", Action: bounce.Failed, Reason: reason, Fault: reason.Fault(),
					Class: reason.Class(bounce.Failed), Rule: "test", Confidence: bounce.ByRule}}},
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	f := &fake{t: t, held: map[string]string{}}
	s := to(t, "listmonk", f.serve(documented(f, "listmonk")))
	for i := range 4 {
		bounced(bounce.MailboxFull, i)
	}
	mustRun(t, db, s)
	if f.state() != "jane@example.net:soft" {
		t.Error(f.state())
	}
	bounced(bounce.UserUnknown, 5)
	if r := mustRun(t, db, s); r.Added != 1 || f.state() != "jane@example.net:soft+hard" {
		t.Errorf("%+v, %s", r, f.state())
	}
}

func TestGenericTemplates(t *testing.T) {
	call := Call{"POST", "/", "{}"}
	for _, c := range []struct {
		name string
		g    Generic
		want string
	}{
		{"good", Generic{Add: Call{"PUT", "/x/{{path .Address}}", `{{(index .Items 0).Reason}}`}, Headers: []string{"X-Key: {{.Key}}"}}, ""},
		{"not closed", Generic{Add: Call{"POST", "/", "{{.Address"}}, "add: the body: "},
		{"no such field", Generic{Add: call, Remove: Call{"POST", "/{{.Adress}}", ""}}, "remove: the path: "},
		{"no such function", Generic{Add: call, Headers: []string{"X: {{upper .Key}}"}}, "the header X: "},
		{"no header", Generic{Add: call, Headers: []string{"Authorization"}}, "has no colon"},
		{"two headers", Generic{Add: call, Headers: []string{"X: a\nY: b"}}, "several lines"},
	} {
		if err := c.g.Check(); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// The same request has the same key, whenever it is sent.
func TestIdempotencyKey(t *testing.T) {
	g := Generic{Add: Call{"POST", "/", "{{json .Addresses}}"}}
	key := func(names ...string) string {
		var page Page
		for _, n := range names {
			page.Items = append(page.Items, Item{Name: n})
		}
		r, err := g.request(&g.Add, page)
		if err != nil {
			t.Fatal(err)
		}
		return r.header.Get("Idempotency-Key")
	}
	if a, again, b := key("a@example.com"), key("a@example.com"), key("b@example.com"); a != again || a == b {
		t.Error("keys do not tell requests apart")
	}
}

// The test suite of AWS: get-vanilla
// (docs.aws.amazon.com/general/latest/gr/signature-v4-test-suite.html).
func TestSignV4(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "https://example.amazonaws.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	signV4(r, nil, "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service", time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
	const want = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, " +
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("got %s", got)
	}
	if got := canonicalPath("/v2/email/suppression/addresses/a%2Bb%40example.com"); got != "/v2/email/suppression/addresses/a%252Bb%2540example.com" {
		t.Errorf("got %s", got)
	}
}

// Without a way to take addresses off, the http service leaves them.
func TestGenericWithoutRemoval(t *testing.T) {
	db := openDB(t)
	notice(t, db, bounce.KindBounce, "jane@example.net")
	f := &fake{t: t, held: map[string]string{}}
	s := to(t, "http", f.serve(documented(f, "http")))
	s.Generic.Remove = Call{}
	mustRun(t, db, s)
	act(t, db, policy.Remove, "jane@example.net")
	if r := mustRun(t, db, s); r.Stuck != 1 || r.Requests != 0 || !strings.Contains(r.String(), "1 to be taken off there by hand") {
		t.Errorf("%+v", r)
	}
}

func TestURLs(t *testing.T) {
	for _, c := range []struct{ url, want string }{{"", "https://email.eu-central-1.amazonaws.com"}, {"http://127.0.0.1:1/", "http://127.0.0.1:1"}} {
		s := Settings{Service: ses(), URL: c.url, List: "eu-central-1"}
		if s.complete(); s.URL != c.want {
			t.Errorf("got %q", s.URL)
		}
	}
	for _, bad := range []string{"ftp://example.com", "example.com", "http://"} {
		c := conn{s: &Settings{URL: bad, Service: sendgrid()}}
		if _, err := c.send(context.Background(), request{method: "GET", path: "/secret"}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestLookup(t *testing.T) {
	if _, err := Lookup("sendgird"); err == nil || !strings.Contains(err.Error(), "there are: ses, sendgrid") {
		t.Errorf("got %v", err)
	}
}
