package compose

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"harvester/cmd/harvester/config"
	"harvester/schedule"
	"harvester/store/job"
	"harvester/store/policy"
)

// A push runs as a job of the daemon's, and its state stands in the database.
func TestPushJob(t *testing.T) {
	ctx := context.Background()
	var got []string
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+string(body))
		w.WriteHeader(status)
	}))
	defer srv.Close()
	t.Setenv("PUSH_KEY", "secret")
	c, err := config.Parse(filepath.Join(t.TempDir(), "harvester.toml"), []byte(`own_domains = ["example.org"]
[store]
path = "h.db"
[[push]]
name = "news"
service = "http"
url = "`+srv.URL+`/"
key = "env:PUSH_KEY"
headers = ["Authorization: Bearer {{.Key}}"]
[push.add]
path = "/add"
body = "{{json .Addresses}}"
[push.remove]
method = "DELETE"
path = "/one/{{path .Address}}"
`))
	if err != nil {
		t.Fatal(err)
	}
	set, err := Open(ctx, c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	files := set.Files()
	i := slices.IndexFunc(files, func(j schedule.Job) bool { return j.Name == job.Push.Of("news") })
	if i < 0 {
		t.Fatal("there is no job")
	}
	act := func(a policy.Act) {
		t.Helper()
		if _, err := set.DB.Judge.Override(ctx, policy.Override{Act: a, Pattern: "jane+x@example.com", Reason: "test", Author: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	run := func() error {
		_, err := schedule.Do(ctx, set.DB.Runs, &files[i], slog.New(slog.DiscardHandler))
		return err
	}
	act(policy.Add)
	status = http.StatusForbidden
	if err := run(); err == nil {
		t.Error("a refused key is no failure")
	}
	s, err := set.DB.Reports.Status(ctx)
	if err != nil || len(s.Jobs) != 1 || s.Jobs[0].OK || !strings.Contains(s.Jobs[0].Detail, "pushing to news: POST 127.0.0.1:") || !strings.Contains(s.Jobs[0].Detail, "is the key right") {
		t.Errorf("%+v, %v", s.Jobs, err)
	}
	status, got = http.StatusOK, nil
	if err := run(); err != nil {
		t.Fatal(err)
	}
	act(policy.Remove)
	if err := run(); err != nil {
		t.Fatal(err)
	}
	want := []string{`POST /add Bearer secret ["jane+x@example.com"]`, "DELETE /one/jane+x@example.com Bearer secret "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if s, err = set.DB.Reports.Status(ctx); err != nil || !s.Jobs[0].OK || s.Jobs[0].Detail != "told 0 added, 1 removed in 1 request" || len(s.Pushes) != 0 {
		t.Errorf("%+v %+v, %v", s.Jobs, s.Pushes, err)
	}
}
