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

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store/engine"
	"harvester/store/policy"
)

// Unproven are the failures that prove nothing because the mail that came back
// is from domains that are not ours by the configuration: the sign of an
// own_domains that is wrong or incomplete, and of forgeries.
type Unproven struct {
	Failures int      `json:"failures"`        // of the latest ones
	Of       int      `json:"of"`              // how many were looked at
	Senders  []Sender `json:"senders"`         // most first
	Below    []Sender `json:"below,omitempty"` // domains below own_domains that notices are about, most first: these never come onto the list

	own []string
}

// Sender is a domain that mail which came back is from, or is about.
type Sender struct {
	Domain   string `json:"domain"` // the registered one, but of those that are below own_domains
	Failures int    `json:"failures"`
}

// latest is how many events are looked at: what was wrong long ago was told then.
const latest = 20_000

// Unproven looks at the latest failures. It costs the same however many there are.
func (db Reports) Unproven(ctx context.Context) (u Unproven, err error) {
	u.own = db.rates.Ours.Domains
	rows, err := db.Read.QueryContext(ctx, `SELECT e.proof = 'none' AND e.doubt = '', m.original_from, count(*) FROM events e JOIN messages m ON m.id = e.message
 WHERE e.id > (SELECT ifnull(max(id), 0) - ? FROM events) AND e.kind = `+engine.Word(bounce.KindBounce)+` AND e.action = 'failed' GROUP BY 1, 2`, latest)
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
			if registered, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil && !policy.Own(registered, u.own) {
				domain = registered
			}
			n[domain] += failures
			u.Failures += failures
		}
		return nil
	})
	u.Senders = mostFirst(n)
	if err != nil {
		return u, err
	}
	u.Below, err = db.below(ctx, u.own)
	return u, err
}

// below looks for notices about addresses below our own domains: of customers,
// maybe, where own_domains is too wide.
func (db Reports) below(ctx context.Context, own []string) ([]Sender, error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT substr(hint, ?), count(*) FROM messages
 WHERE id > (SELECT ifnull(max(id), 0) - ? FROM messages) AND kind = 'notice' AND hint LIKE ? GROUP BY 1`, len(parse.OursFailed)+1, latest, parse.OursFailed+"%")
	if err != nil {
		return nil, fmt.Errorf("looking for notices about ourselves: %w", engine.Explain(err))
	}
	n := map[string]int{}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var domain string
		var notices int
		err := rows.Scan(&domain, &notices)
		if !slices.ContainsFunc(own, func(o string) bool { return strings.TrimPrefix(o, "=") == domain }) {
			n[domain] = notices
		}
		return err
	})
	return mostFirst(n), err
}

func mostFirst(n map[string]int) (out []Sender) {
	for _, d := range slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) }) {
		out = append(out, Sender{d, n[d]})
	}
	return out
}

// The least of the latest failures that something is said about, and the most
// domains that are named.
const (
	leastUnproven = 3
	mostProposed  = 5 // domains that are proposed
)

// String says it in words, with what own_domains would have to be; "" when there
// is nothing to say.
func (u *Unproven) String() string {
	var parts []string
	if domains, named := most(u.Senders); len(domains) > 0 {
		parts = append(parts, fmt.Sprintf("%s of the latest %s prove nothing, because the mail that came back is not from own_domains: their senders are %s. If they are yours, write own_domains = %s",
			count.Number(u.Failures), count.Of(u.Of, "failure"), named, list(append(slices.Clone(u.own), domains...))))
	}
	if domains, named := most(u.Below); len(domains) > 0 {
		exact := slices.Clone(u.own)
		for i, o := range exact {
			if slices.ContainsFunc(domains, func(d string) bool { return d != o && policy.Own(d, []string{o}) }) {
				exact[i] = "=" + o
			}
		}
		parts = append(parts, fmt.Sprintf("Addresses below own_domains are never listed, and notices are about some: %s. If they are your customers', and not your own, write own_domains = %s: = leaves out what is below", named, list(exact)))
	}
	return strings.Join(parts, ". ")
}

// most are the domains that something is said about, and they in words.
func most(all []Sender) (domains []string, words string) {
	var named []string
	for _, s := range all {
		if s.Failures >= leastUnproven && len(named) < mostProposed {
			domains = append(domains, s.Domain)
			named = append(named, fmt.Sprintf("%s (%s)", s.Domain, count.Number(s.Failures)))
		}
	}
	return domains, strings.Join(named, ", ")
}

// list writes domains as the configuration does.
func list(domains []string) string {
	quoted := make([]string, len(domains))
	for i, d := range domains {
		quoted[i] = fmt.Sprintf("%q", d)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
