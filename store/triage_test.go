package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"harvester/parse/bounce"
)

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"550 5.7.1 <jane@example.net>: computer says no (ticket A4711-x9)":                          "550 5.7.1 <ADDRESS>: computer says no (ticket ID)",
		"550 5.7.1 <bob@mail.example.com>: computer says no (ticket B0815-y2)":                      "550 5.7.1 <ADDRESS>: computer says no (ticket ID)",
		"554 mx3.example.com [192.0.2.9] does not like 17 of your 23 words, see https://x.test/a?b": "554 HOST [IP] does not like N of your N words, see URL",
		"": "",
	} {
		if got := mask(in); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
		if got := mask(mask(in)); got != mask(in) {
			t.Errorf("masking twice changes %q", got)
		}
	}
	if got := phrase("550 5.7.1 <ADDRESS>: computer says no (ticket ID)"); got != "computer says no (ticket" {
		t.Errorf("phrase %q", got)
	}
}

func TestTriage(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	var items []Item
	for i := range 7 {
		items = append(items, failure(i, fmt.Sprintf("u%d@d%d.example", i, i%3), bounce.Unclassified, func(it *Item) {
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
	got, err := db.Triage(ctx, time.Time{}, 10)
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
	raw, err := db.Raw(ctx, got[1].Messages[0])
	if err != nil || len(raw) != rawCap {
		t.Errorf("raw: %d bytes, %v", len(raw), err)
	}
	if _, err := db.Raw(ctx, 9999); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func FuzzMask(f *testing.F) {
	f.Add("550 5.1.1 <a@example.net> no 12:30 2026-01-01T00:00 fe80::1 x1y2z3")
	f.Fuzz(func(t *testing.T, s string) {
		_ = phrase(mask(s))
	})
}
