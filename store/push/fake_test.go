package push

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store"
	"harvester/store/facts"
	"harvester/store/policy"
)

var day = time.Date(2026, 3, 2, 7, 11, 9, 0, time.UTC)

func openDB(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), filepath.Join(t.TempDir(), "harvester.db"),
		store.Options{Own: []string{"example.org"}, Now: func() time.Time { return day.AddDate(0, 1, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// notice stores one mail of a kind about each address.
func notice(t testing.TB, db *store.DB, kind bounce.Kind, addresses ...string) {
	t.Helper()
	var b facts.Batch
	for _, a := range addresses {
		r := parse.Recipient{Recipient: a, Reason: bounce.Unclassified, Confidence: bounce.ByRule}
		if kind == bounce.KindBounce {
			r = parse.Recipient{Recipient: a, Action: bounce.Failed, Status: "5.1.1", ReplyCode: 550, Reason: bounce.UserUnknown,
				Fault: bounce.FaultRecipient, Class: bounce.ClassHard, Rule: "test.unknown", Confidence: bounce.ByRule, Diagnostic: "550 5.1.1 no such user"}
		}
		b.Items = append(b.Items, facts.Item{
			Message: harvest.Message{Locator: harvest.Locator{Mailbox: "bounces", Name: a + kind.String()}, Raw: []byte(a + kind.String()), Received: day},
			Result: parse.Result{Kind: kind, Original: parse.Original{MessageID: "<" + a + ">", From: "news@example.org", To: a},
				Recipients: []parse.Recipient{r}},
		})
		if kind == bounce.KindUnsubscribe { // who asked is proven
			res := &b.Items[len(b.Items)-1].Result
			res.From, res.Provenance.Verified = a, policy.Domain(a)
		}
	}
	if _, err := db.Judge.Commit(context.Background(), b); err != nil {
		t.Fatal(err)
	}
}

// fake is a service that behaves as its documentation says, and misbehaves as
// it is told.
type fake struct {
	t    *testing.T
	mu   sync.Mutex
	held map[string]string // list by address
	log  []string          // "METHOD path", one a request
	bad  []string          // addresses that it does not take
	next []func(http.ResponseWriter, *http.Request)
	most int // addresses in the largest request

	contacts []string          // of Mautic and Mailjet
	ids      map[string]string // of Azure: addresses
	denied   bool              // listmonk lets the user report bounces alone
}

// listmonkAPI is listmonk's API of subscribers: all whose bounces it was told of
// are there, and blocked.
func (f *fake) listmonkAPI(r *http.Request, body []byte) (int, string) {
	parts := strings.Split(r.URL.Path, "/") // /api/subscribers/ID/bounces
	if f.denied {
		return 403, "permission denied"
	}
	if len(parts) == 3 {
		email, ok := strings.CutPrefix(r.URL.Query().Get("query"), "subscribers.email = '")
		if email = strings.TrimSuffix(email, "'"); f.held[email] == "" || !ok {
			return 200, `{"data":{"results":[]}}`
		}
		f.contacts = append(f.contacts, email)
		return 200, fmt.Sprintf(`{"data":{"results":[{"id":%d,"email":%q,"name":"Jane","status":"blocklisted","attribs":{"a":1},"lists":[{"id":3,"name":"news"}]}]}}`, len(f.contacts), email)
	}
	id, err := strconv.Atoi(parts[3])
	if err != nil || id < 1 || id > len(f.contacts) {
		return 404, "not found"
	}
	if r.Method == http.MethodDelete && len(parts) == 5 && parts[4] == "bounces" {
		return 200, `{"data":true}`
	}
	v := decode[struct {
		Email, Name, Status string
		Lists               []int
		Attribs             map[string]int
	}](f.t, body)
	if r.Method != http.MethodPut || v.Email != f.contacts[id-1] || v.Name != "Jane" || v.Status != "enabled" || !slices.Equal(v.Lists, []int{3}) || v.Attribs["a"] != 1 {
		return 400, fmt.Sprintf("bad subscriber %+v", v)
	}
	delete(f.held, v.Email)
	return 200, "{}"
}

// serve handles one request: what was planned for it, else as documented.
func (f *fake) serve(documented func(r *http.Request, body []byte) (int, string)) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.log = append(f.log, r.Method+" "+r.URL.EscapedPath())
		var planned func(http.ResponseWriter, *http.Request)
		if len(f.next) > 0 {
			planned, f.next = f.next[0], f.next[1:]
		}
		f.mu.Unlock()
		if planned != nil {
			planned(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			f.t.Error(err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		status, said := documented(r, body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, said)
	}))
	f.t.Cleanup(srv.Close)
	return srv
}

func (f *fake) add(list string, limit int, addresses ...string) (int, string) {
	f.most = max(f.most, len(addresses))
	if len(addresses) > limit {
		return 400, "too many"
	}
	for _, a := range addresses {
		if slices.Contains(f.bad, a) {
			return 400, "invalid address " + a
		}
	}
	for _, a := range addresses {
		if was := f.held[a]; was != "" && was != list && !strings.Contains(was, list) {
			list = was + "+" + list
		}
		f.held[a] = list
	}
	return 200, "{}"
}

func (f *fake) remove(list, address string) (int, string) {
	switch was := f.held[address]; was {
	case "":
		return 404, "not found"
	case list:
		delete(f.held, address)
	default:
		f.held[address] = strings.Trim(strings.Replace(was, list, "", 1), "+")
	}
	return 200, "{}"
}

func (f *fake) state() string {
	var out []string
	for _, a := range slices.Sorted(maps.Keys(f.held)) {
		out = append(out, a+":"+f.held[a])
	}
	return strings.Join(out, " ")
}

func decode[T any](t *testing.T, body []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(body, &v); err != nil {
		t.Errorf("%s: %v", body, err)
	}
	return v
}

func last(r *http.Request) string {
	parts := strings.Split(r.URL.EscapedPath(), "/")
	name, _ := url.PathUnescape(parts[len(parts)-1])
	return name
}

// documented are the services as their documentation describes them.
func documented(f *fake, service string) func(r *http.Request, body []byte) (int, string) {
	t := f.t
	basic := func(r *http.Request, user string) bool {
		u, k, ok := r.BasicAuth()
		return ok && u == user && k == "secret"
	}
	return map[string]func(r *http.Request, body []byte) (int, string){
		"ses": func(r *http.Request, body []byte) (int, string) {
			again := r.Clone(context.Background())
			again.URL.Host = r.Host
			at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
			if err != nil {
				return 403, "MissingAuthenticationToken"
			}
			if signV4(again, body, "me", "secret", "eu-central-1", "ses", at); again.Header.Get("Authorization") != r.Header.Get("Authorization") {
				return 403, "SignatureDoesNotMatch"
			}
			if r.Method == http.MethodDelete {
				for _, list := range []string{"BOUNCE", "COMPLAINT"} {
					if f.held[last(r)] == list {
						return f.remove(list, last(r))
					}
				}
				return 404, "NotFoundException"
			}
			v := decode[struct{ EmailAddress, Reason string }](t, body)
			delete(f.held, v.EmailAddress) // PUT overrides
			return f.add(v.Reason, 1, v.EmailAddress)
		},
		"sendgrid": func(r *http.Request, body []byte) (int, string) {
			switch {
			case r.Header.Get("Authorization") != "Bearer secret":
				return 401, "authorization required"
			case r.Method == http.MethodDelete:
				return f.remove("group", last(r))
			case r.URL.Path != "/v3/asm/groups/list/suppressions":
				return 404, "no such path"
			}
			return f.add("group", 1000, decode[struct {
				R []string `json:"recipient_emails"`
			}](t, body).R...)
		},
		"mailgun": func(r *http.Request, body []byte) (int, string) {
			parts := strings.Split(r.URL.Path, "/")
			switch {
			case !basic(r, "api"):
				return 401, "Forbidden"
			case parts[2] != "list":
				return 404, "Domain not found"
			case r.Method == http.MethodDelete:
				return f.remove(parts[3], last(r))
			}
			var all []string
			for _, v := range decode[[]struct {
				Address, Code, Created_at string
				Tags                      []string
			}](t, body) {
				if _, err := time.Parse(time.RFC1123Z, v.Created_at); err != nil || (parts[3] == "bounces") != (v.Code != "") || (parts[3] == "unsubscribes") != (len(v.Tags) == 1) {
					return 400, fmt.Sprintf("%s: %+v %v", parts[3], v, err)
				}
				all = append(all, v.Address)
			}
			return f.add(parts[3], 1000, all...)
		},
		"sparkpost": func(r *http.Request, body []byte) (int, string) {
			switch {
			case r.Header.Get("Authorization") != "secret" || r.Header.Get("X-MSYS-SUBACCOUNT") != "list":
				return 401, "Unauthorized."
			case r.Method == http.MethodDelete:
				if _, ok := f.held[last(r)]; !ok {
					return 404, "Recipient could not be found"
				}
				delete(f.held, last(r))
				return 204, ""
			}
			v := decode[struct {
				Recipients []struct{ Recipient, Type string }
			}](t, body)
			if len(v.Recipients) > 10_000 {
				return 413, "too large"
			}
			for _, one := range v.Recipients {
				if status, said := f.add(one.Type, 1, one.Recipient); status != 200 {
					return status, said
				}
			}
			return 200, "{}"
		},
		"postmark": func(r *http.Request, body []byte) (int, string) {
			if r.Header.Get("X-Postmark-Server-Token") != "secret" {
				return 401, `{"ErrorCode":10}`
			}
			v := decode[struct {
				Suppressions []struct{ EmailAddress string }
			}](t, body)
			if f.most = max(f.most, len(v.Suppressions)); f.most > 50 {
				return 422, "too many"
			}
			type verdict struct{ EmailAddress, Status, Message string }
			var out []verdict
			for _, one := range v.Suppressions {
				word := verdict{one.EmailAddress, "Suppressed", ""}
				switch {
				case slices.Contains(f.bad, one.EmailAddress):
					word.Status, word.Message = "Failed", "An invalid email address was provided."
				case r.URL.Path == "/message-streams/list/suppressions/delete":
					word.Status = "Deleted"
					delete(f.held, one.EmailAddress)
				default:
					f.held[one.EmailAddress] = "manual"
				}
				out = append(out, word)
			}
			said, _ := json.Marshal(map[string]any{"Suppressions": out})
			return 200, string(said)
		},
		"listmonk": func(r *http.Request, body []byte) (int, string) {
			if !basic(r, "me") {
				return 403, "invalid session"
			}
			if strings.HasPrefix(r.URL.Path, "/api/subscribers") {
				return f.listmonkAPI(r, body)
			}
			v := decode[struct{ Email, Type, Source string }](t, body)
			if r.URL.Path != "/webhooks/bounce" || !slices.Contains([]string{"hard", "soft", "complaint"}, v.Type) {
				return 400, "bad bounce"
			}
			return f.add(v.Type, 1, v.Email)
		},
		"resend": func(r *http.Request, body []byte) (int, string) {
			switch {
			case r.Header.Get("Authorization") != "Bearer secret":
				return 401, "API key is invalid"
			case r.Method == http.MethodDelete:
				return f.remove("list", last(r))
			case r.URL.Path != "/suppressions/batch/add":
				return 404, "no such path"
			}
			return f.add("list", 100, decode[struct{ Emails []string }](t, body).Emails...)
		},
		"mailjet": func(r *http.Request, body []byte) (int, string) {
			if !basic(r, "me") {
				return 401, "API key authentication/authorization failure"
			}
			v := decode[struct {
				Email                   string
				IsExcludedFromCampaigns bool
			}](t, body)
			if r.Method == http.MethodPost {
				f.contacts = append(f.contacts, v.Email)
				return f.add("excluded", 1, v.Email)
			}
			switch email := last(r); {
			case !slices.Contains(f.contacts, email):
				return 404, "Object not found"
			case v.IsExcludedFromCampaigns:
				return f.add("excluded", 1, email)
			default:
				return f.remove("excluded", email)
			}
		},
		"scaleway": func(r *http.Request, body []byte) (int, string) {
			const path = "/transactional-email/v1alpha1/regions/fr-par/blocklists"
			switch {
			case r.Header.Get("X-Auth-Token") != "secret":
				return 403, "insufficient permissions"
			case r.Method == http.MethodDelete:
				email := strings.TrimPrefix(last(r), "id of ")
				return f.remove(f.held[email], email)
			case r.Method == http.MethodGet && r.URL.Query().Get("domain_id") == "list":
				email := r.URL.Query().Get("email")
				return 200, fmt.Sprintf(`{"blocklists":[{"id":"id of %[1]s","email":%[1]q}]}`, email)
			case r.URL.Path != path:
				return 404, "no such path"
			}
			v := decode[struct {
				Domain_id, Type string
				Emails          []string
			}](t, body)
			if v.Domain_id != "list" {
				return 404, "no such domain"
			}
			return f.add(v.Type, 100, v.Emails...)
		},
		"azure": func(r *http.Request, body []byte) (int, string) {
			if r.Header.Get("Authorization") != "Bearer secret" {
				return 401, "InvalidAuthenticationToken"
			}
			rest, ours := strings.CutPrefix(r.URL.Path, "/subscriptions/1/suppressionLists/news/suppressionListAddresses/")
			if !ours || len(rest) != 36 || r.URL.Query().Get("api-version") == "" {
				return 404, "ResourceNotFound"
			}
			if f.ids == nil {
				f.ids = map[string]string{}
			}
			if r.Method == http.MethodDelete {
				return f.remove("list", f.ids[rest])
			}
			f.ids[rest] = decode[struct{ Properties struct{ Email string } }](t, body).Properties.Email
			return f.add("list", 1, f.ids[rest])
		},
		"mautic": func(r *http.Request, body []byte) (int, string) {
			if !basic(r, "me") {
				return 401, "API authorization denied."
			}
			if r.URL.Path == "/api/contacts/new" {
				email := decode[struct{ Email string }](t, body).Email
				if !slices.Contains(f.contacts, email) {
					f.contacts = append(f.contacts, email)
				}
				return 201, fmt.Sprintf(`{"contact":{"id":%d}}`, slices.Index(f.contacts, email)+1)
			}
			parts := strings.Split(r.URL.Path, "/") // /api/contacts/ID/dnc/email/add
			id, _ := strconv.Atoi(parts[3])
			email := f.contacts[id-1]
			if parts[6] == "remove" {
				delete(f.held, email)
				return 200, "{}"
			}
			f.held[email] = decode[struct{ Reason string }](t, body).Reason
			return 200, "{}"
		},
		"http": func(r *http.Request, body []byte) (int, string) {
			if r.Header.Get("Authorization") != "Token secret" || r.Header.Get("Idempotency-Key") == "" {
				return 401, "who are you?"
			}
			v := decode[struct{ Emails []string }](t, body)
			if r.Method == http.MethodDelete {
				for _, a := range v.Emails {
					delete(f.held, a)
				}
				return 200, ""
			}
			return f.add(last(r), 3, v.Emails...)
		},
	}[service]
}

// to are settings for a fake service.
func to(t *testing.T, service string, srv *httptest.Server) Settings {
	t.Helper()
	s, err := Lookup(service)
	if err != nil {
		t.Fatal(err)
	}
	out := Settings{Name: "out", Service: s, URL: srv.URL, List: "list", User: "me", Key: "secret", Timeout: 10 * time.Second, Client: srv.Client(),
		Now: func() time.Time { return day }, Sleep: func(context.Context, time.Duration) error { return nil }}
	switch service {
	case "ses":
		out.List = "eu-central-1"
	case "azure":
		out.List = "/subscriptions/1/suppressionLists/news"
	case "http":
		out.Batch = 3
		out.Generic = &Generic{Headers: []string{"Authorization: Token {{.Key}}", "Content-Type: application/json"},
			Add:    Call{"POST", "/block/{{.List}}", `{"emails": {{json .Addresses}}}`},
			Remove: Call{"DELETE", "/block", `{"emails": [{{range $i, $x := .Items}}{{if $i}}, {{end}}{{json $x.Name}}{{end}}]}`}}
	}
	return out
}
