package simulate

import (
	"bytes"
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/envelope"
	"harvester/parse/origin"
	"harvester/store"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

//go:embed testdata/redteam.toml
var redTeam []byte

// attack is one kind of forgery. Every variant of it is played at every level
// of proof.
type attack struct {
	Name     string            `toml:"name"`
	About    string            `toml:"about"`
	Mails    int               `toml:"mails"`   // sent, numbered; 1 when absent
	Every    string            `toml:"every"`   // between two of them
	Mail     string            `toml:"mail"`    // a template
	Effects  map[string]int    `toml:"effects"` // at "returned", the most of each effect; absent: 0
	Values   map[string]string `toml:"values"`  // of the template
	Variants []struct {
		Name   string            `toml:"name"`
		Values map[string]string `toml:"values"`
	} `toml:"variant"`
}

type redteam struct {
	Templates map[string]string   `toml:"templates"`
	Ways      []map[string]string `toml:"ways"` // in which a mail comes in, for attacks without variants of their own
	Attacks   []attack            `toml:"attack"`
}

// effects are what an attack changed.
type effects struct{ added, removed, held, incidents, urgent, paused int }

func (e effects) byName() map[string]int {
	return map[string]int{"added": e.added, "removed": e.removed, "held": e.held, "incidents": e.incidents, "urgent": e.urgent, "paused": e.paused}
}

const redKey = "0123456789abcdef0123456789abcdef"

func (r *redteam) fill(text string, values ...map[string]string) string {
	for range 4 { // values may name others
		for _, set := range values {
			for k, v := range set {
				text = strings.ReplaceAll(text, "{"+k+"}", v)
			}
		}
	}
	return strings.ReplaceAll(strings.TrimLeft(text, "\n"), "\n", "\r\n")
}

// Forgeries of every kind, at every level of proof: above "returned" nothing
// changes at all; there, no more than what docs/security.md admits.
func TestRedTeam(t *testing.T) {
	var r redteam
	d := toml.NewDecoder(bytes.NewReader(redTeam))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	forged := 0
	for i := range r.Attacks {
		a := &r.Attacks[i]
		if len(a.Variants) == 0 {
			for n, w := range r.Ways {
				a.Variants = append(a.Variants, struct {
					Name   string            `toml:"name"`
					Values map[string]string `toml:"values"`
				}{fmt.Sprint("way ", n+1), w})
			}
		}
		for _, v := range a.Variants {
			forged++
			for _, level := range []policy.Proof{policy.ProofReturned, policy.ProofAuthentic, policy.ProofLedger, policy.ProofSigned} {
				t.Run(a.Name+"/"+v.Name+"/"+level.String(), func(t *testing.T) {
					t.Parallel()
					got := r.play(t, a, v.Values, level).byName()
					if os.Getenv("HARVESTER_FIGURES") != "" {
						fmt.Printf("%s | %s | %v | %v\n", a.Name, level, v.Values["from"], got)
					}
					for name, n := range got {
						most := 0
						if level == policy.ProofReturned {
							most = a.Effects[name]
						}
						if n > most {
							t.Errorf("%s: %d %s, want at most %d", a.About, n, name, most)
						}
					}
				})
			}
		}
	}
	if forged < 150 {
		t.Errorf("%d forged mails, want 150", forged)
	}
	if os.Getenv("HARVESTER_FIGURES") != "" {
		fmt.Printf("%d forgeries of %d kinds, each at four levels of proof\n", forged, len(r.Attacks))
	}
}

func (r *redteam) play(t *testing.T, a *attack, values map[string]string, level policy.Proof) effects {
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	verp, err := envelope.NewVERP("b-{token}-{local}={domain}@bounces.example.org", []byte(redKey))
	if err != nil {
		t.Fatal(err)
	}
	batv, err := envelope.NewBATV([]byte(redKey))
	if err != nil {
		t.Fatal(err)
	}
	trust := &origin.Trust{OwnDomains: []string{"example.org"}, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")}, AuthservIDs: []string{"mx.example.org"}, Relays: []string{"relay.example"}}
	path := filepath.Join(t.TempDir(), "h.db")
	open := func(table policy.Table) *store.DB {
		db, err := store.Open(t.Context(), path, store.Options{Now: func() time.Time { return now }, Own: []string{"example.org"}, Policy: table, Trust: trust,
			ReturnPaths: []*envelope.VERP{verp}, BATV: batv})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	table := policy.Table{}
	if level > policy.ProofReturned {
		table = table.Require("", level, "test")
	}
	db := open(table)
	defer db.Close()
	// 40 dead addresses that were proven to be, whatever is asked for.
	var items []facts.Item
	opt := &parse.Options{OwnDomains: []string{"example.org"}, ReturnPaths: []*envelope.VERP{verp}, Trust: trust}
	for n := range 40 {
		token, err := verp.Sign(fmt.Sprintf("dead%[1]d@dead%[1]d.example", n), now.Add(-10*24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		raw := r.fill(r.Templates["honest"], map[string]string{"n": fmt.Sprint(n), "path": token})
		items = append(items, item(raw, uint32(n+1), now.Add(-9*24*time.Hour+time.Duration(n)*3*time.Hour), opt))
	}
	if _, err := db.Judge.Commit(t.Context(), facts.Batch{Items: items}); err != nil {
		t.Fatal(err)
	}
	if err := db.Volumes.RecordCounts(t.Context(), []facts.Count{{Day: now.AddDate(0, 0, -1), Source: "test", Sent: 500}}); err != nil {
		t.Fatal(err)
	}
	before := listing(t, db)
	if len(before) != 40 {
		t.Fatalf("%d of 40 on the list to begin with", len(before))
	}
	every, _ := time.ParseDuration(a.Every)
	items = nil
	at := now.Add(-max(6*time.Hour, time.Duration(a.Mails)*every))
	// The path of a mail that really went to victim0, which somebody kept.
	replayed, err := verp.Sign("victim0@live0.example", now.Add(-12*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for n := range max(a.Mails, 1) {
		own := map[string]string{"n": fmt.Sprint(n), "victim": fmt.Sprintf("victim%d@live%d.example", n, n%7), "date": at.Format(time.RFC1123Z), "replayed": replayed}
		raw := r.fill(r.Templates[a.Mail], values, a.Values, r.Templates, own)
		items = append(items, item(raw, uint32(1000+n), at, opt))
		at = at.Add(every)
		if at.After(now) {
			at = now
		}
	}
	if _, err := db.Judge.Commit(t.Context(), facts.Batch{Items: items}); err != nil {
		t.Fatal(err)
	}
	after := listing(t, db)
	var e effects
	for _, k := range after {
		if !slices.Contains(before, k) {
			e.added++
		}
	}
	for _, k := range before {
		if !slices.Contains(after, k) {
			e.removed++
		}
	}
	holds, err := db.Reports.Holds(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	e.held = len(holds)
	incidents, err := db.Incidents.Incidents(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	e.incidents = len(incidents)
	for i := range incidents {
		if incidents[i].Urgent() {
			e.urgent++
		}
	}
	rates, err := db.Rates.Rates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rates {
		if r.Level == policy.Paused {
			e.paused++
		}
	}
	return e
}

func item(raw string, uid uint32, at time.Time, opt *parse.Options) facts.Item {
	return facts.Item{
		Message: harvest.Message{Locator: harvest.Locator{Mailbox: "bounces", Folder: "INBOX", UIDValidity: 1, UID: uid}, Raw: []byte(raw), Received: at},
		Result:  parse.Parse([]byte(raw), opt),
	}
}

// listing are the addresses in force.
func listing(t *testing.T, db *store.DB) (keys []string) {
	for s, err := range db.List.Suppressions(t.Context(), query.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, s.Key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
