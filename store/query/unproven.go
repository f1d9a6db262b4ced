package query

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"harvester/parse/count"
	"harvester/store/engine"
	"harvester/store/policy"
)

// Unproven are the failures that prove nothing because the mail that came back
// is from domains that are not ours by the configuration: the sign of an
// own_domains that is wrong or incomplete, and of forgeries.
type Unproven struct {
	Failures int      `json:"failures"` // of the latest ones
	Of       int      `json:"of"`       // how many were looked at
	Senders  []Sender `json:"senders"`  // most first

	own []string
}

// Sender is a domain that mail which came back is from.
type Sender struct {
	Domain   string `json:"domain"` // the registered one
	Failures int    `json:"failures"`
}

// latest is how many events are looked at: what was wrong long ago was told then.
const latest = 20_000

// Unproven looks at the latest failures. It costs the same however many there are.
func (db Reports) Unproven(ctx context.Context) (u Unproven, err error) {
	u.own = db.rates.Ours.Domains
	rows, err := db.Read.QueryContext(ctx, `SELECT e.proof = 'none' AND e.doubt = '', m.original_from, count(*) FROM events e JOIN messages m ON m.id = e.message
 WHERE e.id > (SELECT ifnull(max(id), 0) - ? FROM events) AND e.kind = 'bounce' AND e.action = 'failed' GROUP BY 1, 2`, latest)
	if err != nil {
		return u, fmt.Errorf("looking for failures without proof: %w", engine.Explain(err))
	}
	n := map[string]int{}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var none bool
		var from string
		var failures int
		if err := rows.Scan(&none, &from, &failures); err != nil {
			return err
		}
		u.Of += failures
		domain := policy.Domain(policy.Key(strings.Trim(from, "<> ")))
		if none && domain != "" && !policy.Own(domain, u.own) {
			if registered, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
				domain = registered
			}
			n[domain] += failures
			u.Failures += failures
		}
		return nil
	})
	for _, d := range slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) }) {
		u.Senders = append(u.Senders, Sender{d, n[d]})
	}
	return u, err
}

// The least of the latest failures that something is said about, and the most
// domains that are named.
const (
	leastUnproven = 3
	mostProposed  = 5
)

// String says it in words, with what own_domains would have to be; "" when there
// is nothing to say.
func (u *Unproven) String() string {
	proposed, named := slices.Clone(u.own), []string{}
	for _, s := range u.Senders {
		if s.Failures >= leastUnproven && len(named) < mostProposed {
			proposed = append(proposed, s.Domain)
			named = append(named, fmt.Sprintf("%s (%s)", s.Domain, count.Number(s.Failures)))
		}
	}
	if len(named) == 0 {
		return ""
	}
	for i := range proposed {
		proposed[i] = fmt.Sprintf("%q", proposed[i])
	}
	return fmt.Sprintf("%s of the latest %s prove nothing, because the mail that came back is not from own_domains: their senders are %s. If they are yours, write own_domains = [%s]",
		count.Number(u.Failures), count.Of(u.Of, "failure"), strings.Join(named, ", "), strings.Join(proposed, ", "))
}
