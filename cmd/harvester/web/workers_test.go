package web

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/store/engine/postgres/pgtest"
)

// Who shares a database of a server sees who works, who leads, with which
// mailboxes, and what waits.
func TestWorkersPage(t *testing.T) {
	url := pgtest.Start(t).Database(t)
	file := filepath.Join(t.TempDir(), "harvester.toml")
	text := fmt.Sprintf("own_domains = [\"example.org\"]\n[store]\npath = \"h.db\"\nurl = %q\n[[mailbox]]\nname = \"bounces\"\nserver = \"127.0.0.1:1\"\ntls = \"none\"\nusername = \"u\"\npassword = \"env:NONE\"\n", url)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	set, err := compose.Open(t.Context(), c, compose.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	web := start(t, func(o *Options) { o.Set = set })
	shown := func() string {
		return strings.Join(strings.Fields(web.want(http.StatusOK, "</html>", http.MethodGet, "/jobs", "")), " ")
	}
	if got := shown(); strings.Contains(got, "Workers") {
		t.Errorf("without a worker: %s", got)
	}
	pgtest.Exec(t, url, `INSERT INTO workers (id, name, about, started, until, skew, wants, config, differs) VALUES
 ('a', 'alpha', '1.2', 1000, 99999999999999, 0, '[]', '{}', '[]'), ('b', 'beta', '1.2', 1000, 99999999999999, 0, '[]', '{}', '["policy","verp"]'), ('c', 'gamma', '1.2', 1000, 2000, 0, '[]', '{}', '[]');
 INSERT INTO leases (name, owner, until, epoch) VALUES ('leader', 'a', 99999999999999, 1), ('mailbox bounces', 'a', 99999999999999, 1), ('export list', 'b', 99999999999999, 1)`)
	for _, want := range []string{"All that was handed in is judged.", "leads", "mailbox bounces", "export list", "does not judge</strong>: another configuration (policy, verp)", "heard no more", "nothing"} {
		if got := shown(); !strings.Contains(got, want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
	pgtest.Exec(t, url, `UPDATE leases SET until = 1; INSERT INTO arrivals (at, worker, mailbox, mails, body, trouble) VALUES (1000, 'a', 'bounces', 7, '', 'it is damaged')`)
	for _, want := range []string{"7 mails wait to be judged", "1 batch can't be taken</strong>: it is damaged", "Nobody judges"} {
		if got := shown(); !strings.Contains(strings.ReplaceAll(got, "&#39;", "'"), want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
}
