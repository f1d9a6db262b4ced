package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"harvester/fixtures"
	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/engine/postgres/pgtest"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
)

// onFiles are the tests of what only a file has.
const onFiles = `Backup|OpenErrors|ReadOnlyDirectory|DiskFull|Migrat|Vacuum|DatabaseLocked|OnPostgres|BothEngines|Transfer|Server|Hostile|HandedIn`

// All that the store promises holds on PostgreSQL.
func TestOnPostgres(t *testing.T) {
	run := "."
	if testing.Short() && !pgtest.Thorough() {
		run = "Commit|Cursor|Acts|Lookup|Stopped|Holds|Forget"
	}
	pgtest.OnServer(t, run, onFiles)
}

// both opens a database of each engine.
func both(t *testing.T) (file, server *DB) {
	s := pgtest.Start(t)
	return openAt(t, filepath.Join(t.TempDir(), "h.db"), Options{}), openServer(t, s.Database(t), Options{})
}

func openServer(t *testing.T, url string, o Options) *DB {
	t.Helper()
	o.Now, o.Own = func() time.Time { return epoch.AddDate(0, 1, 0) }, []string{"example.org"}
	db, err := Open(t.Context(), url, o)
	if err == nil && !o.ReadOnly {
		err = db.Judge.Follow(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return closed(t, db)
}

// shown is all that an operator, a file or a service can see of what was decided.
func shown(t *testing.T, db *DB) string {
	t.Helper()
	ctx := t.Context()
	var out []any
	for s, err := range db.List.Suppressions(ctx, query.Filter{Held: true}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	add := func(v any, err error) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	changes, _, err := db.List.Changes(ctx, 0, 1<<20)
	add(changes, err)
	add(db.Notices.Events(ctx, query.EventFilter{Limit: 1 << 20}))
	add(db.Incidents.Incidents(ctx, time.Time{}))
	add(db.Reports.Holds(ctx, time.Time{}))
	add(db.Notices.Triage(ctx, time.Time{}, 0))
	add(db.Upkeep.Doubts(ctx))
	var days []time.Time
	for d := range 9 {
		days = append(days, epoch.AddDate(0, 0, d))
	}
	add(db.Reports.ReportFacts(ctx, days))
	text, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func compare(t *testing.T, file, server *DB) {
	t.Helper()
	a, b := strings.Split(shown(t, file), "\n"), strings.Split(shown(t, server), "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			t.Fatalf("line %d on SQLite and on PostgreSQL:\n%s\n%s", i, a[i], strings.Join(b[min(i, len(b)):min(i+1, len(b))], ""))
		}
	}
	if len(a) != len(b) || len(a) < 10 {
		t.Fatalf("%d lines on SQLite, %d on PostgreSQL", len(a), len(b))
	}
}

// The sample mail comes to the same list, byte for byte, on both engines, and
// again when all history is decided anew.
func TestSameOnBothEngines(t *testing.T) {
	file, server := both(t)
	var b facts.Batch
	n := 0
	store := func() {
		for _, db := range []*DB{file, server} {
			if _, err := db.Judge.Commit(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		b.Items = nil
	}
	err := fs.WalkDir(fixtures.FS, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".eml") {
			return err
		}
		raw, err := fixtures.FS.ReadFile(path)
		n++
		b.Items = append(b.Items, facts.Item{Result: parse.Parse(raw, nil), Message: harvest.Message{
			Locator: harvest.Locator{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, UID: uint32(n)}, Raw: raw, Received: epoch.Add(time.Duration(n) * 13 * time.Minute)}})
		b.Cursor = harvest.Cursor{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, LastUID: uint32(n)}
		if len(b.Items) == 70 {
			store()
		}
		return err
	})
	store()
	if err != nil || n < 500 {
		t.Fatalf("%d mails: %v", n, err)
	}
	compare(t, file, server)
	for _, db := range []*DB{file, server} {
		if _, err := db.Judge.Recompute(t.Context(), judge.Scenario{}, "replay", "test", judge.Reach{Events: true}); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, file, server)
}

// fill puts a text into every text of what v points to.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				fill(f, text)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.ValueOf([]string{text, text}).Convert(v.Type()))
		}
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	case reflect.String:
		v.SetString(text)
	}
}

// No text that a mail can hold keeps PostgreSQL from taking it, and it means
// the same there.
func TestHostileTexts(t *testing.T) {
	file, server := both(t)
	long := make([]byte, 9000) // random: an index entry of it can't be compressed
	for i := range long {
		long[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[rand.IntN(36)]
	}
	texts := []string{"a\x00b@example.net", "\xff\xfe@example.net", "x@\xc3\x28.example", "\x00", "\xed\xa0\x80@example.net", "\U0010ffff@example.net", `\u0000@example.net`, `"\"@example.net`,
		string(long) + "@example.net", "a@" + string(long) + ".example", "a@example.net\r\n\x1b", "?1 $1 ' \" -- ; ) %"}
	for n, text := range texts {
		for _, kind := range []bounce.Kind{bounce.KindBounce, bounce.KindUnparsed, bounce.KindComplaint} {
			it := failure(n*10+int(kind), "x@example.net", bounce.UserUnknown)
			it.Message.Raw = []byte(text + fmt.Sprint(kind))
			fill(reflect.ValueOf(&it.Result).Elem(), text)
			it.Result.Kind = kind
			for _, db := range []*DB{file, server} {
				if _, err := db.Judge.Commit(t.Context(), facts.Batch{Items: []facts.Item{it}}); err != nil {
					t.Fatalf("%.40q: %v", text, err)
				}
			}
		}
		verdicts := [2][]query.Verdict{}
		for i, db := range []*DB{file, server} {
			var err error
			if verdicts[i], err = db.List.LookupAll(t.Context(), []string{text, "x@example.net"}, ""); err != nil {
				t.Errorf("looking up %.40q: %v", text, err)
			}
			if _, err := db.List.Explain(t.Context(), text, nil); err != nil {
				t.Errorf("explaining %.40q: %v", text, err)
			}
		}
		if !reflect.DeepEqual(verdicts[0], verdicts[1]) {
			t.Errorf("%.40q: %+v", text, verdicts)
		}
	}
	compare(t, file, server)
}

// What keeps the store from a server is one line that says what to do.
func TestServerErrors(t *testing.T) {
	s := pgtest.Start(t)
	pgtest.Exec(t, s.URL("postgres"), `CREATE ROLE poor LOGIN; CREATE ROLE barred NOLOGIN; CREATE ROLE late LOGIN CONNECTION LIMIT 0`)
	pgtest.Exec(t, s.URL("postgres"), `CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER 'libc' TEMPLATE template0`)
	foreign, newer, fresh := s.Database(t), s.Database(t), s.Database(t)
	pgtest.Exec(t, foreign, `CREATE TABLE messages (x int)`)
	if err := open(t, newer, Options{}); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, newer, `UPDATE harvester_schema SET version = 9999`)
	as := func(url, role string) string { return strings.Replace(url, "harvester@", role+"@", 1) }
	for _, tt := range []struct {
		name, url string
		o         Options
		is        error
		says      string
	}{
		{"no URL", "postgres://h:port/x", Options{}, engine.ErrURL, "postgres://user@host/database"},
		{"no server", "postgres://harvester@/x?host=" + t.TempDir(), Options{}, engine.ErrUnreachable, "check that it runs"},
		{"no database", s.URL("none"), Options{}, engine.ErrNoDatabase, "createdb"},
		{"a role that may not log in", as(fresh, "barred"), Options{}, engine.ErrLogin, "store.password"},
		{"a wrong password", pgtest.Stub(t, "", "28P01"), Options{}, engine.ErrLogin, "store.password"},
		{"no connection left", as(fresh, "late"), Options{}, engine.ErrNoConnection, "max_connections"},
		{"a server that starts", pgtest.Stub(t, "", "57P03"), Options{}, engine.ErrUnreachable, "nothing was lost"},
		{"too old", pgtest.Stub(t, "13.14 (Debian)", ""), Options{}, engine.ErrTooOld, "13.14"},
		{"read-only", fresh + "&default_transaction_read_only=on", Options{}, engine.ErrStandby, "target_session_attrs"},
		{"another encoding", s.URL("latin"), Options{}, engine.ErrEncoding, "UTF8"},
		{"no right to create", as(fresh, "poor"), Options{}, engine.ErrNoRight, "GRANT"},
		{"a schema that is not there", fresh + "&search_path=nowhere", Options{}, nil, "CREATE SCHEMA"},
		{"tables of others", foreign, Options{}, engine.ErrNotOurs, "search_path"},
		{"newer", newer, Options{}, engine.ErrNewer, "schema 9999"},
		{"newer, to read", newer, Options{ReadOnly: true}, engine.ErrNewer, "upgrade"},
		{"nothing yet", fresh, Options{ReadOnly: true}, nil, "nothing was harvested yet"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := open(t, tt.url, tt.o)
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A server that is started anew fails what was on its way, and nothing after
// it; what was committed is there, once.
func TestServerRestarts(t *testing.T) {
	s := pgtest.Start(t)
	db := openServer(t, s.Database(t), Options{})
	for n := range 4 {
		commit(t, db, failure(n, fmt.Sprintf("u%d@example.net", n), bounce.UserUnknown))
		s.Stop()
		it := failure(100+n, fmt.Sprintf("v%d@example.net", n), bounce.UserUnknown)
		if _, err := db.Judge.Commit(t.Context(), facts.Batch{Items: []facts.Item{it}}); !errors.Is(err, engine.ErrUnreachable) {
			t.Errorf("without a server: %v", err)
		}
		s.Run()
		commit(t, db, it)
	}
	if got := listed(t, db, query.Filter{}); len(got) != 8 {
		t.Errorf("%d on the list, want 8", len(got))
	}
}

// A standby takes readers and refuses to be written to; a session that the
// server ended is replaced.
func TestServerReadOnly(t *testing.T) {
	s := pgtest.Start(t)
	url := s.Database(t)
	db := openServer(t, url, Options{})
	commit(t, db, failure(0, "a@example.net", bounce.UserUnknown))
	pgtest.Exec(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()`)
	if _, err := db.Judge.Commit(t.Context(), facts.Batch{Items: []facts.Item{failure(1, "b@example.net", bounce.UserUnknown)}}); err != nil && !errors.Is(err, engine.ErrUnreachable) {
		t.Errorf("cut off: %v", err)
	}
	commit(t, db, failure(1, "b@example.net", bounce.UserUnknown))
	reader := openServer(t, url, Options{ReadOnly: true})
	if got := listed(t, reader, query.Filter{}); len(got) != 2 {
		t.Errorf("a reader sees %v", got)
	}
	if _, err := reader.Read.Exec(`DELETE FROM events`); !errors.Is(engine.Explain(err), engine.ErrStandby) {
		t.Errorf("a reader writes: %v", err)
	}
	if b, err := db.Backup(t.Context(), filepath.Join(t.TempDir(), "b")); !errors.Is(err, engine.ErrOwnTools) || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("%+v %v", b, err)
	}
}

// A database is copied to the other engine and back while it is in use, with
// every row; a target that has rows is refused, and numbers go on.
func TestTransfer(t *testing.T) {
	s := pgtest.Start(t)
	file := openAt(t, filepath.Join(t.TempDir(), "h.db"), Options{})
	for n := range 300 {
		commit(t, file, failure(n%20, fmt.Sprintf("u%d@d%d.example", n, n%7), []bounce.Reason{bounce.UserUnknown, bounce.MailboxFull, bounce.AuthSPF}[n%3]))
	}
	if _, err := file.Upkeep.Forget(t.Context(), "u0@d0.example", "ops"); err != nil {
		t.Fatal(err)
	}
	act, err := file.Judge.Override(t.Context(), policy.Override{Act: policy.Allow, Pattern: "u1@d1.example", Reason: "r", Author: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Judge.Override(t.Context(), policy.Override{Act: policy.Undo, Target: act.ID, Reason: "r", Author: "ops"}); err != nil {
		t.Fatal(err)
	}
	url := s.Database(t)
	fresh, err := Open(t.Context(), url, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Transfer(t.Context(), file.DB, fresh.DB, false); err != nil {
		t.Fatal(err)
	}
	if err := fresh.Close(); err != nil {
		t.Fatal(err)
	}
	server := openServer(t, url, Options{})
	compare(t, file, server)
	if _, err := engine.Transfer(t.Context(), file.DB, server.DB, false); !errors.Is(err, engine.ErrNotEmpty) {
		t.Errorf("over rows: %v", err)
	}
	// Both go on in the same way, and again after a second copy.
	for n := range 2 {
		for _, db := range []*DB{file, server} {
			commit(t, db, failure(30+n, "late@example.net", bounce.UserUnknown))
		}
		compare(t, file, server)
		if c, err := engine.Transfer(t.Context(), file.DB, server.DB, true); err != nil || c.Rows < 900 {
			t.Fatalf("%+v %v", c, err)
		}
		compare(t, file, server)
	}
	back := openAt(t, filepath.Join(t.TempDir(), "back.db"), Options{})
	if _, err := engine.Transfer(t.Context(), server.DB, back.DB, true); err != nil {
		t.Fatal(err)
	}
	compare(t, file, back)
	for _, db := range []*DB{server, back} {
		if _, err := db.Judge.Override(t.Context(), policy.Override{Act: policy.Allow, Pattern: "u2@d2.example", Reason: "r", Author: "ops"}); err != nil {
			t.Error(err)
		}
	}
	compare(t, back, server)
}
