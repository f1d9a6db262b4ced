package store

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/store/policy"
	"harvester/store/query"
)

// However little is looked through at a time, the pages of a search hold what
// the list has, each row once.
func TestListSearch(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	rnd := rand.New(rand.NewPCG(1, 2))
	names := []string{"anna", "bert", "anna.b", "news", "mail", "o'neill", "müller", "anna%", "a_b"}
	for i := range 300 {
		address := fmt.Sprintf("%s%d@%s%d.example", names[rnd.IntN(len(names))], i%70, names[rnd.IntN(5)], i%7)
		source := []string{"bounce", "bounce", "bounce", "complaint", "operator"}[rnd.IntN(5)]
		reason := map[string]string{"bounce": []string{"user_unknown", "user_unknown", "mailbox_disabled"}[rnd.IntN(3)], "complaint": "complaint", "operator": "manual"}[source]
		state := []string{"suppressed", "suppressed", "held"}[rnd.IntN(3)]
		stream := []string{"", "", "news"}[rnd.IntN(3)]
		if _, err := db.Write.ExecContext(ctx, `INSERT INTO suppressions (key, source, stream, scope, state, address, domain, kind, reason, class, since, last_seen, count, line, proof, expires)
 VALUES (?, ?, ?, 'address', ?, ?, ?, '', ?, 'hard', ?, ?, 1, '', 'none', ?) ON CONFLICT DO NOTHING`,
			policy.Key(address), source, stream, state, address, policy.Domain(policy.Key(address)), reason, i, i, []any{nil, nil, nil, time.Now().Add(-time.Hour).UnixMilli()}[rnd.IntN(4)]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Write.ExecContext(ctx, `INSERT INTO changes (at, op, key, address, domain, source, stream, reason, class) SELECT since, 'add', key, address, domain, source, stream, reason, class FROM suppressions`); err != nil {
		t.Fatal(err)
	}
	recount(t, db)
	words := func(all ...string) string { return all[rnd.IntN(len(all))] }
	for range 400 {
		f := query.Filter{Part: words("", "", "anna", "b", "@news", "mail1", "example", "nobody", "%", "_", "ü"), Domain: words("", "", "", "news1.example"), Source: words("", "", "bounce", "operator"),
			Stream: words("", "", "news"), Held: rnd.IntN(2) == 0}
		if r := words("", "", bounce.UserUnknown.String(), "mailbox_disabled", "complaint"); r != "" {
			f.Reasons = []string{r}
		}
		if f.Held && rnd.IntN(2) == 0 {
			f.State = policy.HeldBack
		}
		if rnd.IntN(3) == 0 {
			f.Since = time.UnixMilli(int64(rnd.IntN(300)))
		}
		search := query.ListSearch{Filter: f, Limit: 1 + rnd.IntN(40), Look: 1 + rnd.IntN(2000)}
		var got []query.Suppression
		for pages := 0; ; pages++ {
			found, err := db.List.Search(ctx, search)
			if err != nil {
				t.Fatalf("%+v: %v", search, err)
			}
			if len(found.Rows) > search.Limit || len(found.Rows) < search.Limit && found.Next != (query.ListPlace{}) && !found.Far {
				t.Fatalf("%+v: a page of %d, far %v", search, len(found.Rows), found.Far)
			}
			got = append(got, found.Rows...)
			if search.From = found.Next; search.From == (query.ListPlace{}) {
				break
			}
			if pages > 2000 {
				t.Fatalf("%+v: no end", search)
			}
		}
		rank := func(s query.Suppression) int {
			switch {
			case f.Part == "" || f.Domain != "" || strings.HasPrefix(s.Key, f.Part):
				return 0
			case strings.HasPrefix(s.Domain, f.Part):
				return 1
			}
			return 2
		}
		order := func(a, b query.Suppression) int {
			c := cmp.Compare(rank(a), rank(b))
			if rank(a) > 0 {
				c = cmp.Or(c, cmp.Compare(a.Domain, b.Domain))
			}
			return cmp.Or(c, cmp.Compare(a.Key, b.Key), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Stream, b.Stream))
		}
		want := listed(t, db, f)
		if slices.SortFunc(want, order); !f.Since.IsZero() {
			slices.SortFunc(got, order) // few newcomers are looked up by their key
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v:\n%d rows\nwant %d", f, len(got), len(want))
		}
	}
}

// recount counts a list that a test wrote by itself.
func recount(tb testing.TB, db *DB) {
	tb.Helper()
	if _, err := db.Write.Exec(`DELETE FROM standing`); err != nil {
		tb.Fatal(err)
	}
	if _, err := db.Write.Exec(`INSERT INTO standing SELECT source, state, class, count(*) FROM suppressions GROUP BY source, state, class`); err != nil {
		tb.Fatal(err)
	}
}
