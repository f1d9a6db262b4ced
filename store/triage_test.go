package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
)

func TestTriage(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	var items []facts.Item
	for i := range 7 {
		items = append(items, failure(i, fmt.Sprintf("u%d@d%d.example", i, i%3), bounce.Unclassified, func(it *facts.Item) {
			it.Result.Recipients[0].Diagnostic = fmt.Sprintf("550 5.7.1 <u%d@d%d.example>: computer says no", i, i%3)
			it.Result.Recipients[0].Rule = ""
		}))
	}
	known := failure(8, "k@example.net", bounce.UserUnknown)
	known.Result.Recipients[0].Diagnostic = "550 computer says no, k@example.net is gone"
	odd := failure(9, "o@example.net", bounce.Unclassified)
	odd.Result.Kind, odd.Result.Recipients, odd.Result.Subject = bounce.KindUnparsed, nil, "Mail 4711 came back"
	odd.Message.Raw = bytes.Repeat([]byte("odd "), 100000)
	commit(t, db, append(items, known, odd)...)
	got, err := db.Notices.Triage(ctx, time.Time{}, 10)
	if err != nil || len(got) != 2 {
		t.Fatalf("got %+v %v", got, err)
	}
	c := got[0]
	if c.Count != 7 || c.Domains != 3 || c.Kind != "unclassified" || c.Phrase != "computer says no" || len(c.Messages) != 5 ||
		len(c.Hits) != 2 || c.Hits[1].Reason != "user_unknown" || c.Hits[1].N != 1 || !c.First.Equal(epoch) {
		t.Errorf("unclassified: %+v", c)
	}
	if u := got[1]; u.Kind != "unparsed" || u.Template != "Mail N came back" || u.Count != 1 {
		t.Errorf("unparsed: %+v", u)
	}
	raw, err := db.Notices.Raw(ctx, got[1].Messages[0])
	if err != nil || len(raw) != facts.RawCap {
		t.Errorf("raw: %d bytes, %v", len(raw), err)
	}
	if _, err := db.Notices.Raw(ctx, 9999); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
