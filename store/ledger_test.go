package store

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

func sentRows(rows ...facts.Sent) iter.Seq2[facts.Sent, error] {
	return func(yield func(facts.Sent, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// A failure that encloses nothing counts when the ledger knows the mail, be it
// recorded before or after the notice came in.
func TestLedgerProves(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{Now: func() time.Time { return epoch.AddDate(0, 0, 9) }})
	bare := func(n int, to, id string) facts.Item {
		return failure(n, to, bounce.UserUnknown, func(it *facts.Item) { it.Result.Original = parse.Original{MessageID: id} })
	}
	sent := facts.Sent{MessageID: "m1@example.org", Recipient: "Early@example.net", Stream: "shop", At: epoch}
	if n, p, err := db.Judge.RecordSent(ctx, sentRows(sent, sent)); err != nil || n != 2 || p != 0 {
		t.Fatal(n, p, err)
	}
	if out := commit(t, db, bare(0, "early@example.net", "<m1@example.org>"), bare(1, "late@example.net", "<m2@example.org>"), bare(2, "forged@example.net", "<m1@example.org>")); out.Added != 1 {
		t.Fatalf("got %+v", out)
	}
	if n, p, err := db.Judge.RecordSent(ctx, sentRows(facts.Sent{MessageID: "<m2@example.org>", Recipient: "late@example.net", At: epoch})); err != nil || n != 1 || p != 1 {
		t.Fatal(n, p, err)
	}
	got := listed(t, db, query.Filter{})
	if len(got) != 2 || got[0].Key != "early@example.net" || got[0].Proof != policy.ProofLedger || got[1].Key != "late@example.net" {
		t.Fatalf("list: %+v", got)
	}
	if x, err := db.List.Explain(ctx, "early@example.net", nil); err != nil || x.Events[0].Stream != "shop" {
		t.Errorf("explain: %+v %v", x, err)
	}
	if _, err := db.Write.Exec(`DELETE FROM sent`); err != nil {
		t.Fatal(err)
	}
	if revised, _, err := db.Recompute(ctx, nil); err != nil || revised != 0 {
		t.Errorf("with the ledger's rows the proof is gone too: %d %v", revised, err)
	}
	if n, _, err := db.Judge.RecordSent(ctx, sentRows(sent, facts.Sent{Recipient: "x@example.net"})); err == nil || n != 1 || !strings.Contains(err.Error(), "row 2") {
		t.Errorf("got %d %v", n, err)
	}
	broken := errors.New("line 7")
	if _, _, err := db.Judge.RecordSent(ctx, func(yield func(facts.Sent, error) bool) { yield(facts.Sent{}, broken) }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
