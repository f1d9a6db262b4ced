package export

import (
	"net/smtp"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"harvester/store"
	"harvester/store/engine/postgres/pgtest"
	"harvester/store/export/mtatest"
)

// onServer is a list on a PostgreSQL server, whom the role of the manual may
// read: the server and the name of the database.
func onServer(t *testing.T, listed ...string) (s *pgtest.Server, database string) {
	t.Helper()
	s = pgtest.Start(t)
	place := s.Database(t)
	u, err := url.Parse(place)
	if err == nil {
		err = os.Chmod(s.Dir, 0o755) // mail servers are other users
	}
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), place, store.Options{Own: []string{"example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Judge.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	fail(t, db, listed...)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, place, manual(t, "all three lines again after an upgrade that changes the schema:"))
	return s, strings.TrimPrefix(u.Path, "/")
}

// The lines of the manual make Postfix and Exim refuse every address on the
// server, those that no file can hold too, in any script, and no other.
func TestMailServersReadPostgreSQL(t *testing.T) {
	listed := []string{"jane@example.net", "#hash@example.net", "o'brien@example.net", "jörg@example.com", "почта@example.com", "用户@example.com",
		"per%cent@example.net", "x@xn--bcher-kva.example", "user+tag@example.net", "$dollar{x}@example.net", `back\slash@example.net`, "a..b@docomo.example"}
	s, database := onServer(t, listed...)
	table := strings.NewReplacer("hosts = db.example.org", "hosts = unix:"+s.Dir, "dbname = harvester", "dbname = "+database).
		Replace(manual(t, "`/etc/postfix/harvester-pgsql.cf`, readable for root alone:"))
	t.Run("postmap", func(t *testing.T) {
		postmapFinds(t, mtatest.Program(t, "HARVESTER_POSTMAP", "postmap"), "pgsql", table, listed)
	})
	t.Run("smtpd", func(t *testing.T) {
		hasMap(t, mtatest.Program(t, "HARVESTER_POSTMAP", "postmap"), "pgsql")
		dir := mtatest.Scratch(t)
		at := filepath.Join(dir, "harvester-pgsql.cf")
		file(t, at, table)
		c, err := smtp.Dial(mtatest.Postfix(t, dir, "check_recipient_access proxy:pgsql:"+at))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Mail("news@example.org"); err != nil {
			t.Fatal(err)
		}
		if err := c.Rcpt("jane@example.net"); err == nil || !strings.Contains(err.Error(), "suppressed by harvester: user_unknown") {
			t.Errorf("who is listed: %v", err)
		}
		if err := c.Rcpt("nobody@example.net"); err != nil {
			t.Errorf("somebody else: %v", err)
		}
	})
	t.Run("exim", func(t *testing.T) {
		exim, dir := eximWith(t, "pgsql"), mtatest.Scratch(t)
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		lines := strings.Replace(manual(t, "PostgreSQL likewise, by a role as for [Postfix](#the-database-as-a-table). In the main part, then in the same ACL:"),
			"db.example.org/harvester/", "("+s.Dir+"/.s.PGSQL.5432)/"+database+"/", 1)
		eximRefusesAll(t, exim, dir, lines, dotAtoms(listed))
	})
}
