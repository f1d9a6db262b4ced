package store

import (
	"strings"
	"testing"

	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

// Levels tell what each level of proof would leave, what rests on what anybody
// can write, and what the mail in the mailbox has in common.
func TestLevels(t *testing.T) {
	c := &clock{epoch.AddDate(0, 0, 2)}
	db := openTest(t, Options{Now: c.now})
	items := dead("weak", 0, 10)
	shown := dead("shown", 1, 30)
	for i := range shown {
		shown[i].Result.Provenance.Host = "mx.example.org"
	}
	items = append(items, shown...)
	for i := range items {
		items[i].Result.Provenance.Newest, items[i].Result.Provenance.Claims = "in.mailhost.example", "mailhost.example"
	}
	commit(t, db, append(items, failure(1, "block@example.net", bounce.SenderBlocked, func(it *facts.Item) { it.Message.UID = 5000 }))...)
	l, err := db.Reports.Levels(t.Context(), query.LevelDays)
	if err != nil {
		t.Fatal(err)
	}
	if n, of := l.Weak(); n != 10 || of != 40 {
		t.Errorf("%d of %d are weak", n, of)
	}
	if l.Share(policy.ProofAuthentic) != 0.75 || l.Share(policy.ProofLedger) != 0 {
		t.Errorf("levels: %+v", l)
	}
	advice := strings.Join(l.Advice(policy.ProofReturned), "\n")
	for _, want := range []string{`the level "returned" is met: of 40 addresses that failed for good in 30 days, proof = "authentic" would leave 75 %, "ledger" 0 %`, "10 entries of the list, of 40, rest on what anybody can write: harvester suppress list --proof returned", `hosts = ["in.mailhost.example"]`, `authserv_ids = ["mailhost.example"]`} {
		if !strings.Contains(advice, want) {
			t.Errorf("no %q in\n%s", want, advice)
		}
	}
	var weak int
	for s, err := range db.List.Suppressions(t.Context(), query.Filter{Proofs: []policy.Proof{policy.ProofReturned}}) {
		if err != nil || s.Proof != policy.ProofReturned {
			t.Errorf("%+v %v", s, err)
		}
		weak++
	}
	if weak != 10 {
		t.Errorf("%d entries of 10 are named", weak)
	}
	for i := range shown { // the same addresses, long ago
		shown[i].Message.UID += 10_000
		shown[i].Message.Received = epoch.AddDate(0, 0, -300)
		shown[i].Message.Raw = append(shown[i].Message.Raw, '!')
	}
	commit(t, db, shown[:5]...)
	if all, err := db.Reports.Levels(t.Context(), 0); err != nil || all.Failed[policy.ProofAuthentic] != 30 || all.Met() != policy.ProofReturned {
		t.Errorf("of all days: %+v %v", all, err)
	}
}
