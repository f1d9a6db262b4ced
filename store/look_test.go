package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/schedule/diagnose"
	"harvester/schedule/diagnose/dnstest"
	"harvester/schedule/diagnose/resolve"
	"harvester/store/facts"
	"harvester/store/query"
)

// No look-up suppresses anybody, whatever DNS answers: with them the list holds
// nobody whom it would not hold without.
func TestNoLookSuppresses(t *testing.T) {
	held := 0
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 11))
		c := &clock{epoch.AddDate(0, 0, 1)}
		plain, looking := openTest(t, Options{Now: c.now}), openTest(t, Options{Now: c.now})
		for day := range 8 {
			var items []facts.Item
			for range 6 {
				reason := []bounce.Reason{bounce.DomainUnknown, bounce.DomainUnknown, bounce.UserUnknown, bounce.MailboxFull, bounce.AuthSPF}[r.IntN(5)]
				items = append(items, failure(day*10+len(items), fmt.Sprintf("u%d@d%d.example.com", r.IntN(3), r.IntN(5)), reason, func(it *facts.Item) {
					it.Message.Received = c.t
				}))
			}
			commit(t, plain, items...)
			commit(t, looking, items...)
			for range 1 + r.IntN(3) {
				c.t = c.t.Add(time.Duration(1+r.IntN(14)) * time.Hour)
				look(t, r, looking, c.t)
			}
			without, with := addresses(t, plain), addresses(t, looking)
			for _, a := range with {
				if !slices.Contains(without, a) {
					t.Fatalf("seed %d, day %d: a look-up suppressed %s", seed, day, a)
				}
			}
			held += len(without) - len(with)
		}
	}
	if held == 0 {
		t.Error("no look-up held anybody back: nothing was tried")
	}
}

func addresses(t *testing.T, db *DB) (out []string) {
	t.Helper()
	for _, s := range listed(t, db, query.Filter{}) {
		out = append(out, s.Address)
	}
	return out
}

// look asks for all that there is about, of a server that answers at random, and
// keeps what came of it.
func look(t *testing.T, r *rand.Rand, db *DB, now time.Time) {
	t.Helper()
	ctx := context.Background()
	var zone, faults strings.Builder
	for d := range 5 {
		name := fmt.Sprintf("d%d.example.com.", d)
		switch r.IntN(9) {
		case 0, 1, 2: // it does not exist
		case 3:
			fmt.Fprintf(&zone, "%s MX 0 .\n", name)
		case 4:
			fmt.Fprintf(&zone, "%s MX 10 mx.%s\nmx.%s A 198.51.100.9\n", name, name, name)
		case 5:
			fmt.Fprintf(&zone, "%s A 198.51.100.9\n", name)
		case 6:
			fmt.Fprintf(&zone, "%s TXT \"nothing\"\n", name)
		case 7:
			fmt.Fprintf(&faults, "servfail %s\n", name)
		case 8:
			fmt.Fprintf(&zone, "%s MX 10 gone.%s\n", name, name)
		}
	}
	if r.IntN(2) == 0 {
		zone.WriteString("example.org. TXT \"v=spf1 -all\"\ns1._domainkey.example.org. TXT \"v=DKIM1; p=\"\n")
	}
	if r.IntN(6) == 0 {
		faults.WriteString("lie .\n")
	}
	server, err := dnstest.New(zone.String(), faults.String())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := resolve.New(resolve.Options{Servers: []string{server.Addr}, Timeout: 10 * time.Second, Rate: 1000})
	if err != nil {
		t.Fatal(err)
	}
	checker := diagnose.New(diagnose.Options{Client: client, Own: []string{"example.org"}, Now: func() time.Time { return now }})
	var lives []facts.DNSRecord
	for d := range 5 {
		l := checker.Life(ctx, fmt.Sprintf("d%d.example.com", d))
		if l.State == "unknown" {
			continue
		}
		rec := facts.DNSRecord{Name: fmt.Sprintf("d%d.example.com.", d), Type: facts.LifeType, State: "found"}
		if l.Dead() {
			rec.State = "nxdomain"
		}
		lives = append(lives, rec)
	}
	if _, err := db.Judge.KeepLife(ctx, lives); err != nil {
		t.Fatal(err)
	}
	var rows []facts.Finding
	for _, f := range append(checker.Domain(ctx, "example.org"), checker.Incident(ctx, &diagnose.Evidence{Incident: "spf:example.org", Group: "spf", MailFrom: "example.org"})...) {
		body, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, facts.Finding{ID: f.ID, Subject: f.Subject.Key(), Verdict: string(f.Verdict), Answer: f.Answer, Body: body})
	}
	if err := db.Findings.KeepFindings(ctx, []string{facts.WatchScope, "spf:example.org"}[r.IntN(2)], rows); err != nil {
		t.Fatal(err)
	}
	if err := db.DNS.KeepDNS(ctx, []facts.DNSRecord{{Name: "example.org.", Type: "TXT", State: "found", Values: []string{"v=spf1 -all"}}}); err != nil {
		t.Fatal(err)
	}
}
