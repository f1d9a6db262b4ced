package judge

import (
	"context"
	"errors"
	"fmt"
	"harvester/store/engine"
	"harvester/store/policy"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Override records an act of the operator and applies it. Pattern may be an
// address as people write it, or "@domain" or "@*.domain"; Undo names the act
// in Target instead. At and ID are set here. Reason and Author must be given.
// Patterns that cover everything and suppressing what is protected (our own
// domains, role addresses) are a WrongAct.
func (db *Judge) Override(ctx context.Context, o policy.Override) (policy.Override, error) {
	if strings.TrimSpace(o.Reason) == "" || strings.TrimSpace(o.Author) == "" {
		return o, engine.WrongAct{Err: errors.New("an operator's act needs a reason and an author")}
	}
	if o.Act != policy.Undo {
		if err := db.normalise(&o); err != nil {
			return o, engine.WrongAct{Err: err}
		}
	}
	err := db.decide(ctx, "storing the operator's act", func(w *Judging) error {
		if o.Act == policy.Undo {
			if err := w.Undoes(&o); err != nil {
				return err
			}
		}
		o.At = w.Now.Truncate(1e6)
		var target any
		if o.Target != 0 {
			target = o.Target
		}
		err := w.SQL.QueryRowContext(ctx, `INSERT INTO overrides (at, act, pattern, address, until, target, reason, author) VALUES (?,?,?,?,?,?,?,?) RETURNING id`,
			w.Now.UnixMilli(), o.Act.String(), o.Pattern, o.Address, engine.Millis(o.Until), target, o.Reason, o.Author).Scan(&o.ID)
		if err != nil {
			return err
		}
		keys, err := w.Covered(o.Pattern)
		if err != nil {
			return err
		}
		return w.refold(keys)
	})
	return o, err
}

// normalise brings the pattern into the form in which it is stored.
func (db *Judge) normalise(o *policy.Override) error {
	p := strings.TrimSpace(o.Pattern)
	p = strings.TrimPrefix(p, "*@")
	if strings.HasPrefix(strings.TrimSpace(o.Pattern), "*@") {
		p = "@" + p
	}
	if domain, ok := strings.CutPrefix(p, "@"); ok {
		sub := strings.HasPrefix(domain, "*.")
		domain = policy.DomainKey(strings.TrimPrefix(domain, "*."))
		if !strings.Contains(strings.Trim(domain, "."), ".") || strings.ContainsAny(domain, "*? ") {
			return fmt.Errorf("the pattern %q covers too much: name a whole domain, such as @example.com or @*.example.com", o.Pattern)
		}
		// The addresses of a public suffix belong to anybody (co.uk, com.br).
		if suffix, icann := publicsuffix.PublicSuffix(domain); icann && suffix == domain {
			return fmt.Errorf("the pattern %q covers too much: %s is a registry's, name a domain below it", o.Pattern, domain)
		}
		if o.Act == policy.Add && policy.Own(domain, db.Ours.Domains) {
			return fmt.Errorf("%q is one of our own domains: its addresses are never suppressed", domain)
		}
		o.Pattern, o.Address = "@"+domain, ""
		if sub {
			o.Pattern = "@*." + domain
		}
		return nil
	}
	key := policy.Key(p)
	if !policy.IsAddress(p) {
		return fmt.Errorf("%q is not an address (write local-part@domain, or @domain for a whole domain)", o.Pattern)
	}
	if why := policy.Protected(key, db.Ours.Domains); o.Act == policy.Add && why != "" {
		return fmt.Errorf("%s is %s: it is never suppressed", key, why)
	}
	o.Address, o.Pattern = p, key
	return nil
}
