package query

import (
	"context"
	"database/sql"
	"fmt"
	"time"

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
	Days   int                  `json:"days"`   // that it looks back; 0: all of them
	Failed map[policy.Proof]int `json:"failed"` // addresses
	Listed map[policy.Proof]int `json:"listed"` // entries that rest on a notice
	// What most of the mail of these days has on top, and is not configured as
	// ours: proposals for [servers].
	Host  string `json:"host,omitempty"`
	Claim string `json:"claim,omitempty"`
}

// LevelDays is how far back levels look where nobody asks for more.
const LevelDays = 30

// met is the share of the addresses that must reach a level for it to be met.
const met = 0.95

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

// Met is the highest level that nearly all addresses that failed reach.
func (l *Levels) Met() policy.Proof {
	for _, p := range [...]policy.Proof{policy.ProofSigned, policy.ProofLedger, policy.ProofAuthentic} {
		if l.Share(p) >= met {
			return p
		}
	}
	return policy.ProofReturned
}

// Levels reads what proof there is of the failures of the last days; 0: of all.
func (db Reports) Levels(ctx context.Context, days int) (Levels, error) {
	l, err := levels(ctx, db.Read, days, db.Now())
	if err != nil {
		return l, fmt.Errorf("reading what proof there is: %w", engine.Explain(err))
	}
	return l, nil
}

func levels(ctx context.Context, q engine.Querier, days int, now time.Time) (Levels, error) {
	l := Levels{Days: days, Failed: map[policy.Proof]int{}, Listed: map[policy.Proof]int{}}
	since := int64(0)
	if days > 0 {
		since = now.AddDate(0, 0, -days).UnixMilli()
	}
	err := proofs(ctx, q, l.Failed, `SELECT CASE best WHEN 4 THEN 'signed' WHEN 3 THEN `+engine.Word(policy.ProofLedger)+` WHEN 2 THEN 'authentic' ELSE 'returned' END, count(*) FROM (
  SELECT max(CASE proof WHEN 'signed' THEN 4 WHEN `+engine.Word(policy.ProofLedger)+` THEN 3 WHEN 'authentic' THEN 2 ELSE 1 END) AS best FROM events
  WHERE at >= ? AND at <= ? AND key <> '' AND proof <> 'none' AND (kind = `+engine.Word(bounce.KindBounce)+` AND action = 'failed' AND class = 'hard' OR kind = `+engine.Word(bounce.KindComplaint)+`) GROUP BY key) f GROUP BY best`, since, now.UnixMilli())
	if err == nil {
		err = proofs(ctx, q, l.Listed, `SELECT proof, count(*) FROM suppressions WHERE state = 'suppressed' AND event IS NOT NULL AND (expires IS NULL OR expires > ?) GROUP BY proof`, now.UnixMilli())
	}
	if err == nil {
		err = learn(ctx, q, &l, since)
	}
	return l, err
}

func proofs(ctx context.Context, q engine.Querier, into map[policy.Proof]int, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
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
func learn(ctx context.Context, q engine.Querier, l *Levels, since int64) error {
	rows, err := q.QueryContext(ctx, `SELECT provenance FROM messages WHERE at >= ? AND provenance <> '' ORDER BY id DESC LIMIT ?`, since, newest)
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

// Advice says in sentences which level was met, what each level would leave, what
// rests on what anybody can write, and what raises that. asked is the level that
// the configuration asks for.
func (l *Levels) Advice(asked policy.Proof) (out []string) {
	_, all := reaching(l.Failed, policy.ProofNone)
	if all > 0 {
		span := ""
		if l.Days > 0 {
			span = " in " + count.Of(l.Days, "day")
		}
		out = append(out, fmt.Sprintf("the level %q is met: of %s that failed for good%s, proof = \"authentic\" would leave %s, \"ledger\" %s, \"signed\" %s", l.Met(),
			count.Of(all, "address"), span, percent(l.Share(policy.ProofAuthentic)), percent(l.Share(policy.ProofLedger)), percent(l.Share(policy.ProofSigned))))
	}
	if n, of := l.Weak(); n > 0 {
		out = append(out, fmt.Sprintf("%s, of %s, %s on what anybody can write: harvester suppress list --proof returned", count.Of(n, "entry of the list"), count.Number(of), count.Verb(n, "rests", "rest")))
	}
	return append(out, l.Raise(asked)...)
}

// Raise says what raises the level.
func (l *Levels) Raise(asked policy.Proof) (out []string) {
	_, all := reaching(l.Failed, policy.ProofNone)
	if l.Host != "" {
		out = append(out, fmt.Sprintf("%s wrote on top of the mail in your mailbox: if it is your server, set [servers] hosts = [%q]", l.Host, l.Host))
	}
	if l.Claim != "" {
		out = append(out, fmt.Sprintf("%s records on it who is authentic: if that is your server, set [servers] authserv_ids = [%q]", l.Claim, l.Claim))
	}
	switch {
	case all < 20 || asked >= policy.ProofAuthentic:
	case l.Share(policy.ProofAuthentic) >= met:
		out = append(out, `set proof = "authentic": it costs next to nothing, and nobody outside can put anybody on the list any more`)
	case l.Host == "" && l.Claim == "":
		out = append(out, "signed return paths (harvester verp), a ledger or [dkim] prove more: docs/proof.md")
	}
	return out
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }
