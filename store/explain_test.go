package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

// life makes up n notices for n/7 addresses over two months: every reason
// that weighs, forged and repeated ones, deliveries, complaints and outages.
func life(n int) []facts.Item {
	r := rand.New(rand.NewPCG(5, 1)) //nolint:gosec // it shall repeat itself
	reasons := []bounce.Reason{bounce.UserUnknown, bounce.MailboxFull, bounce.MailboxFull, bounce.MailboxDisabled, bounce.Expired, bounce.AuthSPF,
		bounce.SenderBlocked, bounce.DomainUnknown, bounce.Unclassified, bounce.ContentSpam}
	var items []facts.Item
	for i := range n {
		who := r.IntN(n / 7)
		to := fmt.Sprintf("User%d@d%d.example", who, who%90)
		it := failure(r.IntN(60), to, reasons[r.IntN(len(reasons))])
		it.Message.UID = uint32(i + 1)
		it.Message.Raw = fmt.Appendf(nil, "notice %d", i)
		it.Message.Received = it.Message.Received.Add(time.Duration(r.IntN(86400)) * time.Second)
		it.Result.Original.MessageID = fmt.Sprintf("<%d@example.org>", r.IntN(n))
		it.Result.Original.From = []string{"news@example.org", "shop@example.org"}[r.IntN(2)]
		rcpt := &it.Result.Recipients[0]
		rcpt.RemoteMTA = fmt.Sprintf("mx.d%d.example", who%90)
		rcpt.Confidence = []bounce.Confidence{bounce.ByStatus, bounce.ByRule}[r.IntN(2)]
		switch r.IntN(20) {
		case 0:
			it.Result.Kind, rcpt.Action = bounce.KindDelivered, bounce.Delivered
			it.Result.Provenance.Host = "mx.example.org"
		case 1:
			it.Result.Original.From = "stranger@example.com"
		case 2:
			it.Result.Kind, rcpt.Action = bounce.KindComplaint, bounce.ActionNone
		case 3:
			it.Result.Kind, rcpt.Action = bounce.KindUnsubscribe, bounce.ActionNone
		}
		if i%10 == 0 { // an outage at one operator, on two days
			rcpt.Reason, rcpt.RemoteMTA = bounce.UserUnknown, "mx.outage.example"
			it.Result.Kind, rcpt.Action = bounce.KindBounce, bounce.Failed
			it.Message.Received = epoch.AddDate(0, 0, 20+i%20)
			it.Result.Provenance.Host = "mx.example.org" // so what it says of the operator is believed
		}
		rcpt.Fault, rcpt.Class = rcpt.Reason.Fault(), rcpt.Reason.Class(rcpt.Action)
		items = append(items, it)
	}
	return items
}

// What explain prints of an address is enough to come to its verdict again:
// from the events, acts, bursts and rulings in its JSON alone, and the policy.
func TestExplainIsEnoughForTheVerdict(t *testing.T) {
	ctx := context.Background()
	now := epoch.AddDate(0, 0, 70)
	db := openTest(t, Options{Now: func() time.Time { return now }})
	commit(t, db, life(5000)...)
	for i, o := range []policy.Override{
		{Act: policy.Add, Pattern: "user3@d3.example"}, {Act: policy.Allow, Pattern: "@d4.example"}, {Act: policy.Remove, Pattern: "user5@d5.example"},
		{Act: policy.Add, Pattern: "@d6.example"}, {Act: policy.Undo, Target: 3},
	} {
		o.Reason, o.Author = fmt.Sprint(i), "test"
		if _, err := db.Judge.Override(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	holds, err := db.Reports.Holds(ctx, time.Time{})
	if err != nil || len(holds) == 0 {
		t.Fatalf("%d holds, %v", len(holds), err)
	}
	if _, err := db.Judge.Rule(ctx, holds[0].Kind, holds[0].Subject, holds[0].Start, true, "they are gone", "test"); err != nil {
		t.Fatal(err)
	}
	states := map[policy.State]int{}
	events := 0
	for key := range allKeys(t, db) {
		x, err := db.List.Explain(ctx, key, nil)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		var read query.Explanation
		if err := json.Unmarshal(doc, &read); err != nil {
			t.Fatal(err)
		}
		verdict := again(&read, now)
		states[verdict.State]++
		events += len(read.Events)
		if got, want := rowsOf(verdict), listedRows(read.Listed); got != want || verdict.State != read.State {
			t.Fatalf("%s: from the explanation %v\n%s\nlisted %v\n%s", key, verdict.State, got, read.State, want)
		}
	}
	if events != 5000 {
		t.Errorf("%d events were explained", events)
	}
	for _, s := range []policy.State{policy.Clear, policy.HeldBack, policy.Suppressed, policy.Allowed} {
		if states[s] < 5 {
			t.Errorf("only %d addresses are %v", states[s], s)
		}
	}
}

func allKeys(t *testing.T, db *DB) map[string]bool {
	t.Helper()
	rows, err := db.Read.Query(`SELECT DISTINCT key FROM events`)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	if err := engine.Each(rows, func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		keys[key] = true
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return keys
}

// again decides from what an explanation says.
func again(x *query.Explanation, now time.Time) policy.Verdict {
	var events []policy.Event
	for _, e := range x.Events {
		events = append(events, policy.Event{ID: e.ID, Notice: e.Message, Hash: e.Hash, Index: e.Index, At: e.At, Address: e.Address, Kind: e.Kind, Action: e.Action,
			Reason: e.Reason, Confidence: e.Confidence, Feedback: e.Feedback, Rule: e.Rule, Proof: e.Proof, Stream: e.Stream, Message: e.OriginalMessageID,
			Concern: e.Concern, Operator: e.Operator, Forgeable: e.Forgeable})
	}
	fold := policy.Fold{Own: []string{"example.org"}, Around: policy.NewCircumstances(x.Windows, x.Rulings), Now: now}
	return fold.Decide(x.Key, events, x.Overrides)
}

func rowsOf(v policy.Verdict) string {
	var out []string
	for _, ep := range v.List() {
		state := policy.Suppressed
		if ep.Held {
			state = policy.HeldBack
		}
		out = append(out, fmt.Sprintln(ep.Source, ep.Stream, state, ep.Line, ep.Since, ep.LastSeen, ep.Expires, ep.HeldUntil, ep.Count))
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

func listedRows(list []query.Suppression) string {
	var out []string
	for _, s := range list {
		out = append(out, fmt.Sprintln(s.Source, s.Stream, s.State, s.Line, s.Since, s.LastSeen, s.Expires, s.HeldUntil, s.Count))
	}
	slices.Sort(out)
	return strings.Join(out, "")
}

// Each file is named only for what it takes of the list.
func TestExplainNamesTheExportsThatCarryIt(t *testing.T) {
	ctx := context.Background()
	c := &clock{epoch.AddDate(0, 1, 0)}
	db := openTest(t, Options{Now: c.now})
	commit(t, db, failure(0, "gone@example.net", bounce.UserUnknown))
	for _, name := range []string{"all", "complaints", "today", "tomorrow"} {
		if _, err := db.Exports.RecordExport(ctx, facts.Export{Name: name, Rows: 1, SHA256: name}); err != nil {
			t.Fatal(err)
		}
	}
	c.t = c.t.Add(time.Hour)
	commit(t, db, failure(1, "later@example.net", bounce.UserUnknown))
	takes := query.Carried{"all": {}, "complaints": {Sources: []string{"complaint"}}, "today": {Since: epoch.AddDate(0, 1, 0)}, "tomorrow": {Since: epoch.AddDate(0, 1, 1)}}
	x, err := db.List.Explain(ctx, "gone@example.net", takes)
	if err != nil || len(x.Exports) != 2 || x.Exports[0].Name != "all" || x.Exports[1].Name != "today" || x.WhyNot != nil {
		t.Errorf("gone: %+v %v %v", x.Exports, x.WhyNot, err)
	}
	if x, err = db.List.Explain(ctx, "later@example.net", takes); err != nil || len(x.Exports) != 0 || x.State != policy.Suppressed {
		t.Errorf("later: %+v %v", x.Exports, err)
	}
}

// The words say what names the address and what proves that it was mailed.
func TestExplainTellsWhom(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	for i, tc := range []struct {
		change      func(*parse.Result)
		whom, proof string
	}{
		{func(*parse.Result) {}, "To of the enclosed mail", "the enclosed mail is from news@example.org, and names this recipient"},
		{func(r *parse.Result) { r.Original = parse.Original{} }, "the words of the notice", "no mail of ours is enclosed"},
		{func(r *parse.Result) { r.Original.From = "x@example.com" }, "To of the enclosed mail", "the enclosed mail is from x@example.com, who is not one of own_domains"},
		{func(r *parse.Result) { r.Original.To = "x@example.com" }, "the words of the notice", "the enclosed mail does not name this recipient"},
		{func(r *parse.Result) {
			r.Recipients[0].OriginalRecipient, r.Recipients[0].FinalRecipient = r.Recipients[0].Recipient, "box@example.com"
		}, "Original-Recipient of the notice; it failed at box@example.com, an alias or forwarding", "the enclosed mail is from news@example.org, and names this recipient"},
		{func(r *parse.Result) {
			r.Original.To, r.Recipients[0].FinalRecipient = "list@example.org", r.Recipients[0].Recipient
		},
			"Final-Recipient of the notice", "the enclosed mail is from news@example.org, and names this recipient"},
	} {
		address := fmt.Sprintf("a%d@example.net", i)
		commit(t, db, failure(i, address, bounce.MailboxFull, func(it *facts.Item) { tc.change(&it.Result) }))
		x, err := db.List.Explain(ctx, address, nil)
		if err != nil || len(x.Events) != 1 || x.Events[0].Whom != tc.whom || x.Events[0].ProofWhy != tc.proof {
			t.Errorf("%d: %+v %v", i, x.Events, err)
		}
	}
}

func TestMarked(t *testing.T) {
	for _, tc := range []struct{ text, words, want string }{
		{"550 no such user here", "no such user", "550 [no such user] here"},
		{"550 no such user here", "NO SUCH USER", "550 no such user here"},
		{"550 5.1.1", "", "550 5.1.1"},
		{"", "x", ""},
	} {
		e := query.ExplainedEvent{Diagnostic: tc.text, Evidence: tc.words}
		if got := e.Marked("[", "]"); got != tc.want {
			t.Errorf("%q in %q: %q", tc.words, tc.text, got)
		}
	}
}
