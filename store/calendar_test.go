package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/query"
)

// A calendar that is looked at after each harvest, hour by hour and day by day,
// counts what one that sees all of it for the first time counts, and what a
// plain query does.
func TestCalendarGoesOnAsItWouldBegin(t *testing.T) {
	ctx := context.Background()
	r := rand.New(rand.NewPCG(1, 19))
	c := &clock{epoch.Add(150 * time.Minute)}
	db := openTest(t, Options{Now: c.now})
	kept := query.NewCalendar(db.Reports)
	reasons := []bounce.Reason{bounce.UserUnknown, bounce.MailboxFull, bounce.AuthSPF}
	for seq := 0; seq < 120; {
		var items []facts.Item
		for range r.IntN(4) {
			late := time.Duration(r.IntN(3)*r.IntN(40)) * time.Hour // some mail is found late
			items = append(items, failure(seq, fmt.Sprintf("u%d@d%d.example.com", r.IntN(9), r.IntN(3)), reasons[r.IntN(3)], func(it *facts.Item) {
				it.Message.Received = c.t.Add(-late)
				it.Result.Recipients[0].RemoteMTA = []string{"mx.google.com", "mx.example.net"}[r.IntN(2)]
			}))
			seq++
		}
		if len(items) > 0 {
			commit(t, db, items...)
		}
		var days []time.Time
		for at := c.t.Truncate(24*time.Hour).AddDate(0, 0, -5); !at.After(c.t.AddDate(0, 0, 1)); at = at.AddDate(0, 0, 1) {
			days = append(days, at)
		}
		anew := query.NewCalendar(db.Reports)
		google, reason := "google", bounce.UserUnknown
		for _, f := range []query.Facet{{}, {Receiver: &google}, {Reason: &reason}, {Receiver: &google, Reason: &reason}} {
			got, err := kept.Facets(ctx, f, days)
			want, err2 := anew.Facets(ctx, f, days)
			if err != nil || err2 != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("after %d at %v: %+v, want %+v; %v %v", seq, c.t, got, want, err, err2)
			}
			query, args := `SELECT count(*) FROM events WHERE kind = 'bounce' AND action = 'failed' AND duplicate_of IS NULL AND at >= ? AND at < ?`, []any{days[0].UnixMilli(), days[len(days)-1].UnixMilli()}
			if f.Receiver != nil {
				query += ` AND operator = 'google'`
			}
			if f.Reason != nil {
				query += ` AND reason = 'user_unknown'`
			}
			var n int
			if err := db.Read.QueryRow(query, args...).Scan(&n); err != nil || n != got.N {
				t.Fatalf("after %d at %v: counted %d, stored %d; %v", seq, c.t, got.N, n, err)
			}
		}
		got, cells, err := kept.Days(ctx, days, 3)
		want, wantCells, err2 := anew.Days(ctx, days, 3)
		if err != nil || err2 != nil || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(cells, wantCells) {
			t.Fatalf("after %d at %v: %+v %+v, want %+v %+v; %v %v", seq, c.t, got, cells, want, wantCells, err, err2)
		}
		c.t = c.t.Add(time.Duration(r.IntN(300)) * time.Minute)
	}
}
