package query

import (
	"context"
	"database/sql"
	"fmt"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
)

// Levels say what proof there is: of the addresses that failed for good or
// complained lately, by the best of each, and of the entries of the list.
type Levels struct {
	Days   int                  `json:"days"`
	Failed map[policy.Proof]int `json:"failed"` // addresses
	Listed map[policy.Proof]int `json:"listed"` // entries that rest on a notice
	// What most of the mail of these days has on top, and is not configured as
	// ours: proposals for [servers].
	Host  string `json:"host,omitempty"`
	Claim string `json:"claim,omitempty"`
}

// levelDays is how far back levels look.
const levelDays = 30

// Share is the part of the addresses that failed that reaches a level; 1 when
// none did.
func (l *Levels) Share(at policy.Proof) float64 {
	reached, all := reaching(l.Failed, at)
	if all == 0 {
		return 1
	}
	return float64(reached) / float64(all)
}

// Weak is how many entries of the list rest on what anybody can write, and of
// how many.
func (l *Levels) Weak() (n, of int) {
	reached, all := reaching(l.Listed, policy.ProofAuthentic)
	return all - reached, all
}

func reaching(by map[policy.Proof]int, at policy.Proof) (reached, all int) {
	for p, n := range by {
		all += n
		if p >= at {
			reached += n
		}
	}
	return reached, all
}

// Levels reads what proof there is.
func (db Reports) Levels(ctx context.Context) (Levels, error) {
	l := Levels{Days: levelDays, Failed: map[policy.Proof]int{}, Listed: map[policy.Proof]int{}}
	now := db.Now()
	since := now.AddDate(0, 0, -levelDays).UnixMilli()
	err := db.proofs(ctx, l.Failed, `SELECT CASE best WHEN 4 THEN 'signed' WHEN 3 THEN `+engine.Word(policy.ProofLedger)+` WHEN 2 THEN 'authentic' ELSE 'returned' END, count(*) FROM (
  SELECT max(CASE proof WHEN 'signed' THEN 4 WHEN `+engine.Word(policy.ProofLedger)+` THEN 3 WHEN 'authentic' THEN 2 ELSE 1 END) AS best FROM events
  WHERE at >= ? AND key <> '' AND proof <> 'none' AND (kind = `+engine.Word(bounce.KindBounce)+` AND action = 'failed' AND class = 'hard' OR kind = `+engine.Word(bounce.KindComplaint)+`) GROUP BY key) f GROUP BY best`, since)
	if err == nil {
		err = db.proofs(ctx, l.Listed, `SELECT proof, count(*) FROM suppressions WHERE state = 'suppressed' AND event IS NOT NULL AND (expires IS NULL OR expires > ?) GROUP BY proof`, now.UnixMilli())
	}
	if err == nil {
		err = db.learn(ctx, &l, since)
	}
	if err != nil {
		return l, fmt.Errorf("reading what proof there is: %w", engine.Explain(err))
	}
	return l, nil
}

func (db Reports) proofs(ctx context.Context, into map[policy.Proof]int, query string, arg any) error {
	rows, err := db.Read.QueryContext(ctx, query, arg)
	if err != nil {
		return err
	}
	return engine.Each(rows, func(rows *sql.Rows) error {
		var p policy.Proof
		var n int
		err := rows.Scan(engine.Text(&p), &n)
		into[p] += n
		return err
	})
}

// newest is how many of the newest mails are compared.
const newest = 1000

// learn finds what nine tenths of the newest mail, of at least ten, have in
// common on top of their header.
func (db Reports) learn(ctx context.Context, l *Levels, since int64) error {
	rows, err := db.Read.QueryContext(ctx, `SELECT provenance FROM messages WHERE at >= ? AND provenance <> '' ORDER BY id DESC LIMIT ?`, since, newest)
	if err != nil {
		return err
	}
	hosts, claims, all := map[string]int{}, map[string]int{}, 0
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		var p parse.Provenance
		err := facts.ReadProvenance(text, &p)
		hosts[p.Newest]++
		claims[p.Claims]++
		all++
		return err
	})
	common := func(by map[string]int) string {
		for v, n := range by {
			if n >= 10 && 10*n >= 9*all {
				return v
			}
		}
		return ""
	}
	l.Host, l.Claim = common(hosts), common(claims)
	return err
}

// Advice says in sentences what proof there is, what each level would leave, and
// what raises it. asked is the level that the configuration asks for.
func (l *Levels) Advice(asked policy.Proof) (out []string) {
	_, all := reaching(l.Failed, policy.ProofNone)
	if all > 0 {
		out = append(out, fmt.Sprintf("of %s that failed for good in %s, proof = \"authentic\" would leave %s, \"ledger\" %s, \"signed\" %s",
			count.Of(all, "address"), count.Of(l.Days, "day"), percent(l.Share(policy.ProofAuthentic)), percent(l.Share(policy.ProofLedger)), percent(l.Share(policy.ProofSigned))))
	}
	if n, of := l.Weak(); n > 0 {
		out = append(out, fmt.Sprintf("%s, of %d, rest on what anybody can write", count.Of(n, "entry of the list"), of))
	}
	if l.Host != "" {
		out = append(out, fmt.Sprintf("%s wrote on top of the mail in your mailbox: if it is your server, set [servers] hosts = [%q]", l.Host, l.Host))
	}
	if l.Claim != "" {
		out = append(out, fmt.Sprintf("%s records on it who is authentic: if that is your server, set [servers] authserv_ids = [%q]", l.Claim, l.Claim))
	}
	switch {
	case all < 20 || asked >= policy.ProofAuthentic:
	case l.Share(policy.ProofAuthentic) >= 0.95:
		out = append(out, `set proof = "authentic": it costs next to nothing, and nobody outside can put anybody on the list any more`)
	case l.Host == "" && l.Claim == "":
		out = append(out, "signed return paths (harvester verp), a ledger or [dkim] prove more: docs/proof.md")
	}
	return out
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }
