package judge

import (
	"slices"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
)

// Verdict is the one on an address as a snapshot has it, with the windows and
// the rulings, the latest first, that concern its events.
type Verdict struct {
	policy.Verdict
	Acts    []policy.Override // that cover the address, undone ones too
	Windows []policy.Window
	Rulings []policy.Ruling
}

// Verdict derives anew what is decided about the address behind key.
func (db *Judge) Verdict(q *engine.Snapshot, key string) (v Verdict, err error) {
	windows, rulings, err := ReadWindows(q.Ctx, q.SQL)
	if err != nil {
		return v, err
	}
	all, err := pastOf(q, []string{key})
	if err != nil {
		return v, err
	}
	if v.Acts, err = facts.OverridesOn(q.Ctx, q.SQL, key); err != nil {
		return v, err
	}
	fold := policy.Fold{Table: db.Ours.Policy, Own: db.Ours.Domains, Around: policy.NewCircumstances(windows, rulings), Now: db.Now()}
	v.Verdict = fold.Decide(key, all[key].events, v.Acts)
	concerns := func(x policy.Window) bool {
		return slices.ContainsFunc(v.Events, func(e policy.Event) bool { return x.Covers(&e, key) })
	}
	for _, x := range windows {
		if concerns(x) {
			v.Windows = append(v.Windows, x)
		}
	}
	for _, r := range rulings {
		if concerns(policy.Window{Kind: r.Kind, Subject: r.Subject, Start: r.Start, Until: r.End}) {
			v.Rulings = append(v.Rulings, r)
		}
	}
	return v, nil
}

// Unheard is the verdict on an address that no event names.
func (db *Judge) Unheard(key string, acts []policy.Override) policy.Verdict {
	fold := policy.Fold{Table: db.Ours.Policy, Own: db.Ours.Domains, Now: db.Now()}
	return fold.Decide(key, nil, acts)
}

// AddressesIn is the query for the addresses with an event in a window, and its
// arguments.
func AddressesIn(x *policy.Window) (query string, args []any) {
	c, _ := policy.Concentrated(x.Kind)
	return addressesIn(&c), []any{x.Subject, x.Start.UnixMilli(), x.Until.UnixMilli()}
}
