package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/origin"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

// What makes a failure authentic, what explain says of it, and that judging
// anew comes to the same.
func TestAuthentic(t *testing.T) {
	table := policy.Table{}.Require("", policy.ProofAuthentic, "test")
	db := openTest(t, Options{Policy: table, Trust: &origin.Trust{OwnDomains: []string{"example.org"}, Relays: []string{"relay.example"}}})
	day := func(n int) parse.Time { return parse.Time{Time: epoch.AddDate(0, 0, n)} }
	signed := func(p *parse.Provenance, names ...string) {
		p.Signature = &parse.Signature{Domain: "example.org", Selector: "s1", Mail: "0123", Recipients: names, From: day(-1), To: day(46)}
	}
	for i, c := range []struct {
		to  string
		mod func(it *facts.Item, p *parse.Provenance)
		why string // of the proof; "" when it isn't authentic
	}{
		{"ours@example.net", func(_ *facts.Item, p *parse.Provenance) { p.Host = "mx.example.org" }, "our own server mx.example.org wrote the notice"},
		{"bare@example.net", func(it *facts.Item, p *parse.Provenance) {
			p.Host, it.Result.Original = "mx.example.org", parse.Original{}
		}, "our own server"},
		{"alien@example.net", func(it *facts.Item, p *parse.Provenance) {
			p.Host, it.Result.Original.From = "mx.example.org", "someone@example.edu"
		}, ""},
		{"operator@example.net", func(_ *facts.Item, p *parse.Provenance) {
			p.Author, p.Method, p.Server = "mx.example.net", "dkim", "mx.example.org"
		}, "mx.example.org recorded that the notice comes from mx.example.net (DKIM), who may speak about this recipient"},
		{"relay@example.net", func(_ *facts.Item, p *parse.Provenance) { p.Author, p.Method = "mta.relay.example", "spf" }, "mta.relay.example (SPF)"},
		{"other@example.net", func(_ *facts.Item, p *parse.Provenance) { p.Author, p.Method = "example.edu", "dkim" }, ""},
		{"signed@example.net", func(_ *facts.Item, p *parse.Provenance) { signed(p, "Signed@example.net") }, "our DKIM signature (s1._domainkey.example.org)"},
		{"second@example.net", func(_ *facts.Item, p *parse.Provenance) { signed(p, "x@example.net", "second@example.net") }, "a signed field names this recipient"},
		{"unnamed@example.net", func(_ *facts.Item, p *parse.Provenance) { signed(p, "jane@example.net") }, ""},
		{"broken@example.net", func(_ *facts.Item, p *parse.Provenance) {
			signed(p, "broken@example.net")
			p.Signature.Problem = "it does not verify"
		}, ""},
		{"late@example.net", func(_ *facts.Item, p *parse.Provenance) {
			signed(p, "late@example.net")
			p.Signature.To = day(-1)
		}, ""},
		{"refuted@example.net", func(_ *facts.Item, p *parse.Provenance) { p.Refuted = true }, ""},
	} {
		commit(t, db, failure(i, c.to, bounce.UserUnknown, func(it *facts.Item) { c.mod(it, &it.Result.Provenance) }))
		x, err := db.List.Explain(context.Background(), c.to, nil)
		if err != nil {
			t.Fatal(err)
		}
		e := x.Events[0]
		if (e.Proof == policy.ProofAuthentic) != (c.why != "") || !strings.Contains(e.ProofWhy, c.why) {
			t.Errorf("%s: %v, %s", c.to, e.Proof, e.ProofWhy)
		}
		if (len(x.Listed) > 0) != (c.why != "") {
			t.Errorf("%s: %d entries of the list", c.to, len(x.Listed))
		}
	}
}

// One signed mail counts once for a recipient, however often it is shown.
func TestSignatureCountsOnce(t *testing.T) {
	db := openTest(t, Options{})
	for n := range 5 {
		commit(t, db, failure(n, "jane@example.net", bounce.MailboxFull, func(it *facts.Item) {
			it.Message.Received = epoch.Add(time.Duration(n) * 24 * time.Hour)
			it.Result.Original.MessageID = "<made-up-" + it.Message.Name + it.Message.Received.Format("0102") + "@example.org>"
			it.Result.Provenance.Signature = &parse.Signature{Domain: "example.org", Selector: "s1", Mail: "0123", Recipients: []string{"jane@example.net"}}
		}))
	}
	if l := listed(t, db, query.Filter{}); len(l) != 0 {
		t.Errorf("one mail, shown five times, lists: %+v", l)
	}
}
