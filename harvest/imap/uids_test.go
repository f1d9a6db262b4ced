package imap

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/emersion/go-imap/v2"
)

// The ranges do what a plain set of numbers does.
func TestSetsAreSets(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	draw := func() (uidSet, map[imap.UID]bool) {
		var ranges []imap.UIDRange
		plain := map[imap.UID]bool{}
		for range random.IntN(6) {
			a, b := imap.UID(random.IntN(40)), imap.UID(random.IntN(40))
			ranges = append(ranges, imap.UIDRange{Start: a, Stop: b})
			for uid := max(1, min(a, b)); uid <= max(a, b); uid++ {
				plain[uid] = true
			}
		}
		return newSet(ranges), plain
	}
	members := func(plain map[imap.UID]bool) []imap.UID {
		uids := []imap.UID{}
		for uid, in := range plain {
			if in {
				uids = append(uids, uid)
			}
		}
		slices.Sort(uids)
		return uids
	}
	for range 2000 {
		a, plainA := draw()
		b, plainB := draw()
		both, rest := map[imap.UID]bool{}, map[imap.UID]bool{}
		for uid := range plainA {
			both[uid], rest[uid] = plainB[uid], !plainB[uid]
		}
		for what, test := range map[string]struct {
			got  uidSet
			want map[imap.UID]bool
		}{"itself": {a, plainA}, "and": {a.and(b), both}, "without": {a.without(b), rest}} {
			if want := members(test.want); !slices.Equal(test.got.each(), want) || test.got.count() != uint64(len(want)) {
				t.Fatalf("%s: %v and %v give %v, want %v", what, a, b, test.got, want)
			}
			if back, ok := parseSet(test.got.String()); !ok || !slices.Equal(back, test.got) {
				t.Fatalf("%v came back as %v", test.got, back)
			}
		}
		uid := imap.UID(1 + random.IntN(40))
		if a.has(uid) != plainA[uid] {
			t.Fatalf("%v has %d: %v", a, uid, a.has(uid))
		}
		plainA[uid] = true
		if got := a.with(uid); !slices.Equal(got.each(), members(plainA)) {
			t.Fatalf("%v with %d: %v", a, uid, got)
		}
	}
	greatest := newSet([]imap.UIDRange{{Start: ^imap.UID(0) - 1, Stop: ^imap.UID(0)}})
	if got := greatest.each(); len(got) != 2 || len(greatest.without(greatest)) != 0 || greatest.last() != ^imap.UID(0) {
		t.Errorf("%v, without itself %v", got, greatest.without(greatest))
	}
}
