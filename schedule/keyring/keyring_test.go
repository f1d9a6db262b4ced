package keyring

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"harvester/parse/dkim"
	"harvester/store"
)

type dns struct {
	texts map[string][]string
	err   error
	asked int
}

func (d *dns) LookupTXT(ctx context.Context, name string) ([]string, error) {
	d.asked++
	if d.err != nil {
		return nil, d.err
	}
	return d.texts[name], ctx.Err()
}

func record(t *testing.T) string {
	t.Helper()
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)
}

func TestRing(t *testing.T) {
	now := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	db, err := store.Open(t.Context(), t.TempDir()+"/h.db", store.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	first, second := record(t), record(t)
	d := &dns{texts: map[string][]string{"s1._domainkey.example.org.": {first, "v=spf1 -all"}}}
	log := slog.New(slog.DiscardHandler)
	fixed := map[Name][]dkim.Key{{"example.org", "file"}: {{}}}
	open := func() *Ring {
		r, err := New(t.Context(), fixed, d, db.Keys, clock, log)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := open()
	expect := func(what string, got []dkim.Key, n, asked int) {
		t.Helper()
		if len(got) != n || d.asked != asked {
			t.Errorf("%s: %d keys after %d look-ups, want %d after %d", what, len(got), d.asked, n, asked)
		}
	}
	expect("configured", r.Keys("example.org", "file"), 1, 0)
	expect("found", r.Keys("example.org", "s1"), 1, 1)
	expect("known", r.Keys("example.org", "s1"), 1, 1)
	expect("missing", r.Keys("example.org", "nope"), 0, 2)
	expect("missing, asked lately", r.Keys("example.org", "nope"), 0, 2)

	// The selector gets another key: both verify, the old one for a while.
	now = now.Add(25 * time.Hour)
	d.texts["s1._domainkey.example.org."] = []string{second}
	r = open() // what was seen is kept
	keys := r.Keys("example.org", "s1")
	expect("rotated", keys, 2, 3)
	if want := now.Add(-25 * time.Hour).Add(dkim.Life); !keys[1].Until.Equal(want) {
		t.Errorf("the old key ends %s, want %s", keys[1].Until, want)
	}
	// It is withdrawn, and then DNS is gone altogether.
	now = now.Add(25 * time.Hour)
	d.texts["s1._domainkey.example.org."] = []string{"v=DKIM1; p="}
	expect("withdrawn", r.Keys("example.org", "s1"), 2, 4)
	now = now.Add(2 * time.Hour)
	d.err = errors.New("no answer")
	expect("no answer", r.Keys("example.org", "s1"), 2, 5)

	// Made-up selectors are asked for as long as the budget goes.
	for i := range 500 {
		r.Keys("example.org", fmt.Sprintf("made-up-%d", i))
	}
	if d.asked > 5+budget {
		t.Errorf("%d look-ups for made-up selectors", d.asked-5)
	}
	without, err := New(t.Context(), nil, nil, db.Keys, clock, log)
	if err != nil {
		t.Fatal(err)
	}
	if got := without.Keys("example.org", "s1"); len(got) != 2 {
		t.Errorf("without DNS: %d keys of those that were seen", len(got))
	}
}

// What somebody else saw at a selector serves at once, and is kept; what is no
// key is not.
func TestSaw(t *testing.T) {
	now := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	db, err := store.Open(t.Context(), t.TempDir()+"/h.db", store.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r, err := New(t.Context(), nil, nil, db.Keys, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Saw(t.Context(), Name{"example.org", "s1"}, []string{record(t), "v=spf1 -all", "v=DKIM1; p="}); err != nil {
		t.Fatal(err)
	}
	if err := Keep(t.Context(), db.Keys, Name{"example.org", "s2"}, []string{record(t)}); err != nil {
		t.Fatal(err)
	}
	if n := len(r.Keys("example.org", "s1")); n != 1 {
		t.Errorf("%d keys", n)
	}
	again, err := New(t.Context(), nil, nil, db.Keys, clock, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(again.Keys("example.org", "s1")) + len(again.Keys("example.org", "s2")); n != 2 {
		t.Errorf("%d keys are kept", n)
	}
}
