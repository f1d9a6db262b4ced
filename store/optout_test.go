package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/envelope"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

// An opt-out by mail is kept: believed where the sender is proven, or the signed
// return path that it came to, and else on a worklist until somebody decides.
func TestOptOutByMail(t *testing.T) {
	ctx := context.Background()
	v, err := envelope.NewVERP("b-{token}-{local}={domain}@bounces.example.org", []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := v.Sign("path@reader.example", epoch)
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(signed, "path=reader", "other=reader", 1)
	c := &clock{epoch.Add(time.Hour)}
	db := openTest(t, Options{Now: c.now, ReturnPaths: []*envelope.VERP{v}})
	uid := uint32(0)
	ask := func(from, to string, change ...func(*parse.Result)) facts.Item {
		uid++
		res := parse.Result{Kind: bounce.KindUnsubscribe, From: from, DeliveredTo: to, Subject: "unsubscribe"}
		for _, f := range change {
			f(&res)
		}
		return facts.Item{Message: harvest.Message{Locator: harvest.Locator{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, UID: uid}, Raw: []byte(from + to), Received: epoch}, Result: res}
	}
	out := commit(t, db,
		ask("shown@reader.example", "bounces@example.org", func(r *parse.Result) { r.Provenance.Verified, r.Provenance.Server = "reader.example", "mx.example.org" }),
		ask("neighbour@reader.example", "bounces@example.org", func(r *parse.Result) { r.Provenance.Verified = "evil.example" }),
		ask("anybody@reader.example", "bounces@example.org"),
		ask("elsewhere@reader.example", signed),
		ask("x@evil.example", forged),
		ask("news@example.org", "bounces@example.org"),
		ask("not an address", "bounces@example.org"))
	if out.Added != 2 || out.Events != 5 {
		t.Fatalf("got %+v", out)
	}
	var keys []string
	for _, s := range listed(t, db, query.Filter{}) {
		keys = append(keys, s.Key+" "+s.Source)
	}
	if got := strings.Join(keys, ", "); got != "path@reader.example unsubscribe, shown@reader.example unsubscribe" {
		t.Errorf("listed: %s", got)
	}
	waiting, err := db.Reports.OptOuts(ctx)
	if err != nil || len(waiting) != 3 || waiting[1].Address != "anybody@reader.example" {
		t.Fatalf("waiting: %+v %v", waiting, err)
	}
	x, err := db.List.Explain(ctx, "anybody@reader.example", nil)
	if err != nil || x.State != policy.Clear || !strings.Contains(x.Events[0].Why, "waits for you") || x.Events[0].ProofWhy != "nothing proves who sent it" {
		t.Errorf("explain: %+v %v", x.Events, err)
	}
	if out, err := db.Judge.OptOut(ctx, waiting[1].Event, true, "plain words", "ops"); err != nil || out.Added != 1 {
		t.Errorf("accepted: %+v %v", out, err)
	}
	if out, err := db.Judge.OptOut(ctx, waiting[2].Event, false, "forged", "ops"); err != nil || out.Added != 0 {
		t.Errorf("refused: %+v %v", out, err)
	}
	if waiting, err = db.Reports.OptOuts(ctx); err != nil || len(waiting) != 1 {
		t.Errorf("waiting: %+v %v", waiting, err)
	}
	if x, err = db.List.Explain(ctx, "anybody@reader.example", nil); err != nil || x.State != policy.Suppressed || !strings.Contains(x.Events[0].ProofWhy, "believed by ops: plain words") {
		t.Errorf("explain: %v %+v %v", x.State, x.Events, err)
	}
	if _, err := db.Judge.OptOut(ctx, 999, true, "r", "ops"); err == nil {
		t.Error("an opt-out that is not there")
	}
}
