package simulate

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"harvester/harvest"
	"harvester/parse"
	"harvester/parse/dkim"
	"harvester/parse/envelope"
	"harvester/parse/origin"
	"harvester/store"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

const redKey = "0123456789abcdef0123456789abcdef"

// redNow is when the forged mails are judged.
var redNow = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func redVERP(t *testing.T) *envelope.VERP {
	v, err := envelope.NewVERP("b-{token}-{local}={domain}@bounces.example.org", []byte(redKey))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// paths are the return paths that somebody kept.
func paths(t *testing.T) values {
	// The path of a mail that really went to victim0.
	replayed, err := redVERP(t).Sign("victim0@live0.example", redNow.Add(-12*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	old, err := redVERP(t).Sign("victim0@live0.example", redNow.Add(-400*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return values{"replayed": replayed, "old": old}
}

// redOptions are those of a set-up that says which servers, keys and paths are its own.
func redOptions(t *testing.T) *parse.Options {
	return &parse.Options{OwnDomains: []string{"example.org"}, ReturnPaths: []*envelope.VERP{redVERP(t)}, Keys: redKeys,
		Trust: &origin.Trust{OwnDomains: []string{"example.org"}, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")},
			AuthservIDs: []string{"mx.example.org"}, Relays: []string{"relay.example"}}}
}

func redOpen(t *testing.T, path string, level policy.Proof) *store.DB {
	batv, err := envelope.NewBATV([]byte(redKey))
	if err != nil {
		t.Fatal(err)
	}
	table := policy.Table{}
	if level > policy.ProofReturned {
		table = table.Require("", level, "test")
	}
	opt := redOptions(t)
	db, err := store.Open(t.Context(), path, store.Options{Now: func() time.Time { return redNow }, Own: opt.OwnDomains, Policy: table, Trust: opt.Trust,
		ReturnPaths: opt.ReturnPaths, BATV: batv})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// base writes a database with 40 dead addresses that were proven to be, whatever
// is asked for, 500 mails that were sent, and a ledger of one mail.
func base(t *testing.T, level policy.Proof) string {
	path := filepath.Join(t.TempDir(), "h.db")
	db := redOpen(t, path, level)
	r := readRedTeam(t)
	var items []facts.Item
	for n := range 40 {
		token, err := redVERP(t).Sign(fmt.Sprintf("dead%[1]d@dead%[1]d.example", n), redNow.Add(-10*24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		raw := strings.ReplaceAll(fill("{honest}", values{"n": fmt.Sprint(n), "path": token}, r.Values), "\n", "\r\n")
		items = append(items, item(raw, uint32(n+1), redNow.Add(-9*24*time.Hour+time.Duration(n)*3*time.Hour), redOptions(t)))
	}
	if _, err := db.Judge.Commit(t.Context(), facts.Batch{Items: items}); err != nil {
		t.Fatal(err)
	}
	if err := db.Volumes.RecordCounts(t.Context(), []facts.Count{{Day: redNow.AddDate(0, 0, -1), Source: "test", Sent: 500}}); err != nil {
		t.Fatal(err)
	}
	sent := func(yield func(facts.Sent, error) bool) {
		yield(facts.Sent{MessageID: "<sent@example.org>", Recipient: "kept@live0.example", At: redNow.Add(-3 * 24 * time.Hour)}, nil)
	}
	if _, _, err := db.Judge.RecordSent(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	if n := len(listing(t, db)); n != 40 {
		t.Fatalf("%d of 40 on the list to begin with", n)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// play harvests the mails of a variant into a copy of base, and says what that
// changed, and which addresses it listed.
func (r *redteam) play(t *testing.T, a *attack, v *variant, base string, level policy.Proof) (map[string]int, []string) {
	raw, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "h.db")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	db := redOpen(t, path, level)
	defer db.Close()
	before := listing(t, db)
	every, _ := time.ParseDuration(a.Every)
	texts, at := r.mails(t, a, v, redNow.Add(-max(6*time.Hour, time.Duration(a.Mails)*every)), paths(t))
	var items []facts.Item
	for n, text := range texts {
		items = append(items, item(text, uint32(1000+n), at[n], redOptions(t))) //nolint:gosec // a few
	}
	if _, err := db.Judge.Commit(t.Context(), facts.Batch{Items: items}); err != nil {
		t.Fatal(err)
	}
	after := listing(t, db)
	without := func(all, these []string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(k string) bool { return slices.Contains(these, k) })
	}
	listed := without(after, before)
	e := map[string]int{"added": len(listed), "removed": len(without(before, after))}
	holds, err := db.Reports.Holds(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	e["held"] = len(holds)
	incidents, err := db.Incidents.Incidents(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	e["incidents"] = len(incidents)
	for i := range incidents {
		if incidents[i].Urgent() {
			e["urgent"]++
		}
	}
	rates, err := db.Rates.Rates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rates {
		if r.Level == policy.Paused {
			e["paused"]++
		}
	}
	return e, listed
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

// keptID names the mail whose signed header somebody kept.
const keptID = "<kept@example.org>"

// kept is the header of a mail that we signed and sent, as somebody keeps it
// who got it.
type kept struct {
	To      string   `toml:"to"`      // lines from To on, kept@live0.example where absent
	Age     string   `toml:"age"`     // when the first notice came: 48h where absent
	Expires string   `toml:"expires"` // after it was signed; absent: never
	Key     string   `toml:"key"`     // "news", where absent; "rotated" or "revoked"
	Fields  []string `toml:"fields"`  // that are signed
}

// redSigner signs for all selectors. Its key is fixed, as nothing depends on it.
var redSigner = ed25519.NewKeyFromSeed([]byte(redKey))

// redKeys are the keys of ours: one was replaced long ago, others were withdrawn.
func redKeys(_, selector string) []dkim.Key {
	switch selector {
	case "news":
		return []dkim.Key{{Public: redSigner.Public()}}
	case "rotated":
		return []dkim.Key{{Public: redSigner.Public(), Until: redNow.Add(-24 * time.Hour)}}
	}
	return nil
}

// header signs the mail under the clock of then, which go-msgauth's signer
// doesn't offer: it writes t= by the machine's.
func (k *kept) header(t *testing.T, notice time.Time) string {
	or := func(s, absent string) string {
		if s == "" {
			return absent
		}
		return s
	}
	age, err := time.ParseDuration(or(k.Age, "48h"))
	if err != nil {
		t.Fatal(err)
	}
	made := notice.Add(-age)
	times := fmt.Sprintf("t=%d; ", made.Unix())
	if k.Expires != "" {
		life, err := time.ParseDuration(k.Expires)
		if err != nil {
			t.Fatal(err)
		}
		times += fmt.Sprintf("x=%d; ", made.Add(life).Unix())
	}
	lines := "From: News <news@example.org>\n" + strings.TrimSuffix(or(k.To, "To: kept@live0.example"), "\n") + "\nSubject: News\nDate: " + made.Format(time.RFC1123Z) + "\nMessage-ID: " + keptID + "\n"
	fields := k.Fields
	if fields == nil {
		fields = []string{"from", "to", "cc", "subject", "date", "message-id"}
	}
	field := fmt.Sprintf("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=%s; %sh=%s; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=",
		or(k.Key, "news"), times, strings.Join(fields, ":"))
	return "DKIM-Signature: " + field + base64.StdEncoding.EncodeToString(ed25519.Sign(redSigner, relaxedHash(lines, fields, field))) + "\n" + lines
}

// relaxedHash is what a signature signs (RFC 6376 §3.7), of lines that need no
// unfolding.
func relaxedHash(lines string, fields []string, signature string) []byte {
	h := sha256.New()
	all := strings.Split(strings.TrimSuffix(lines, "\n"), "\n")
	for _, name := range fields {
		for i := len(all) - 1; i >= 0; i-- {
			n, value, _ := strings.Cut(all[i], ":")
			if strings.EqualFold(n, name) {
				fmt.Fprintf(h, "%s:%s\r\n", name, strings.Join(strings.Fields(value), " "))
				all = slices.Delete(all, i, i+1)
				break
			}
		}
	}
	fmt.Fprintf(h, "dkim-signature:%s", signature)
	return h.Sum(nil)
}
