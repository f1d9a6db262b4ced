package store

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"harvester/parse/bounce"
	"harvester/store/policy"
	"harvester/store/query"
)

// What is answered from memory is what the database says, whatever was
// committed just before, by this process at once, by another soon, and whatever
// expired.
func TestRemembersTheList(t *testing.T) {
	ctx := context.Background()
	now := time.Now()
	clock := func() time.Time { return now }
	path := filepath.Join(t.TempDir(), "h.db")
	db := openAt(t, path, Options{Now: clock})
	db.List.Remember()
	other := openAt(t, path, Options{Now: clock})
	addresses := []string{"a@example.net", "b@example.net", "c@example.com", "d@sub.example.com", ""}
	remembered := 0
	rapid.Check(t, func(rt *rapid.T) {
		by := rapid.SampledFrom([]*DB{db, other}).Draw(rt, "by")
		address := rapid.SampledFrom(addresses[:4]).Draw(rt, "address")
		stream := rapid.SampledFrom([]string{"", "news", "invoices"}).Draw(rt, "stream")
		switch rapid.IntRange(0, 5).Draw(rt, "what") {
		case 5:
			now = now.AddDate(0, rapid.IntRange(1, 15).Draw(rt, "months"), 0)
		case 0:
			commit(t, by, failure(rapid.IntRange(0, 9).Draw(rt, "day"), address, bounce.UserUnknown))
		case 1:
			if _, err := by.Upkeep.Forget(ctx, address, "ops"); err != nil {
				rt.Fatal(err)
			}
		default:
			pattern := rapid.SampledFrom([]string{address, "@" + policy.Domain(address), "@*.example.com"}).Draw(rt, "pattern")
			act := rapid.SampledFrom([]policy.Act{policy.Add, policy.Remove, policy.Allow}).Draw(rt, "act")
			if _, err := by.Judge.Override(ctx, policy.Override{Act: act, Pattern: pattern, Reason: "a test", Author: "ops"}); err != nil {
				rt.Fatal(err)
			}
		}
		for _, a := range addresses {
			want, err := other.List.LookupAll(ctx, []string{a}, stream)
			if err != nil {
				rt.Fatal(err)
			}
			for until := time.Now().Add(time.Minute); ; {
				got, err := db.List.LookupAll(ctx, []string{a}, stream)
				if err != nil {
					rt.Fatal(err)
				}
				if v, ok := db.List.Remembered(a, stream); ok {
					remembered++
					if fmt.Sprint([]query.Verdict{v}) != fmt.Sprint(want) && (by == db || fmt.Sprint(got) == fmt.Sprint(want)) {
						rt.Fatalf("%q: remembered is %v, and in the database %v", a, v, want)
					}
				}
				if fmt.Sprint(got) == fmt.Sprint(want) {
					break
				}
				if by == db || time.Now().After(until) {
					rt.Fatalf("%q: %v, and in the database %v", a, got, want)
				}
			}
		}
	})
	if remembered == 0 {
		t.Error("nothing was ever remembered")
	}
}

// Whoever is put on the list while many ask is found by those who ask after.
func TestRemembersAmongMany(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	db.List.Remember()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 40 {
				address := fmt.Sprintf("user%d-%d@example.net", i, n)
				for _, listed := range []bool{false, true} {
					if listed {
						if _, err := db.Judge.Override(ctx, policy.Override{Act: policy.Add, Pattern: address, Reason: "a test", Author: "ops"}); err != nil {
							t.Error(err)
						}
					}
					if got, err := db.List.LookupAll(ctx, []string{address}, ""); err != nil || got[0].Suppressed != listed {
						t.Errorf("%s: %+v %v, listed %v", address, got, err, listed)
					}
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkLookupAbsent asks for one address after the other, of which half are
// listed, as a mail server does, with what is remembered and without.
func BenchmarkLookupAbsent(b *testing.B) {
	for _, remember := range []bool{false, true} {
		b.Run(fmt.Sprintf("remember=%v", remember), func(b *testing.B) {
			db := openTest(b, Options{})
			fillList(b, db, 100_000)
			if remember {
				db.List.Remember()
			}
			for i := 0; b.Loop(); i++ {
				if _, err := db.List.LookupAll(context.Background(), []string{listedAddress(2 * (i % 200_000))}, ""); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lookups/s")
		})
	}
}
