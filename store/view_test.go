package store

import (
	"strings"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/store/engine/postgres/pgtest"
	"harvester/store/facts"
)

// The view that other programs read shows what the list shows, without
// functions that an older SQLite lacks.
func TestPublicView(t *testing.T) {
	db := openTest(t, Options{Now: time.Now})
	today := func(it *facts.Item) { it.Message.Received = time.Now().Add(-time.Hour) }
	past := func(it *facts.Item) { it.Message.Received = time.Now().AddDate(-9, 0, 0) }
	commit(t, db, failure(0, "A@example.net", bounce.UserUnknown, today), failure(1, "old@example.net", bounce.UserUnknown, past),
		failure(2, "full@example.net", bounce.MailboxFull, today))
	var address, key, reason, class string
	var n int
	if err := db.Read.QueryRow(`SELECT address, key, reason, class, (SELECT count(*) FROM suppressed) FROM suppressed`).Scan(&address, &key, &reason, &class, &n); err != nil {
		t.Fatal(err)
	}
	if n != 1 || address != "A@example.net" || key != "a@example.net" || reason != "user_unknown" || class != "hard" {
		t.Errorf("got %d: %s %s %s %s", n, address, key, reason, class)
	}
	if pgtest.Serving() {
		return
	}
	var sql string
	if err := db.Read.QueryRow(`SELECT sql FROM sqlite_schema WHERE name = 'suppressed'`).Scan(&sql); err != nil || strings.Contains(sql, "subsec") {
		t.Errorf("%s %v", sql, err)
	}
}
