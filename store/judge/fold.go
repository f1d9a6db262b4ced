package judge

import (
	"maps"
	"slices"
	"time"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
)

// refold recomputes the list for some addresses, a bounded number at a time.
func (w *Judging) refold(keys map[string]bool) error {
	delete(keys, "")
	fold, err := w.fold()
	if err != nil {
		return err
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(keys)), page) {
		stored, err := pastOf(w.Tx, some)
		if err != nil {
			return err
		}
		for _, key := range some {
			if err := w.address(fold, key, stored[key]); err != nil {
				return err
			}
		}
		if err := w.writeList(); err != nil {
			return err
		}
	}
	return nil
}

// fold is how this transaction decides about an address.
func (w *Judging) fold() (*policy.Fold, error) {
	if err := w.loadWindows(); err != nil {
		return nil, err
	}
	return &policy.Fold{Table: w.Ours.Policy, Own: w.Ours.Domains, Around: policy.NewCircumstances(w.windows, w.rulings), Now: w.Now}, nil
}

// deciding is how the addresses of a snapshot are decided about by a table, at a
// time, under windows.
func (db *Judge) deciding(q *engine.Snapshot, windows []policy.Window, table policy.Table, now time.Time) (func(key string, p *past) policy.Verdict, error) {
	_, rulings, err := ReadWindows(q.Ctx, q.SQL)
	if err != nil {
		return nil, err
	}
	domains, err := facts.DomainActs(q)
	if err != nil {
		return nil, err
	}
	fold := &policy.Fold{Table: table, Own: db.Ours.Domains, Around: policy.NewCircumstances(windows, rulings), Now: now}
	return func(key string, p *past) policy.Verdict {
		return fold.Decide(key, p.events, append(facts.Covering(domains, key), p.acts...))
	}, nil
}

// address decides about one address anew and writes what differs.
func (w *Judging) address(fold *policy.Fold, key string, p *past) error {
	acts, err := w.DomainActs(key)
	if err != nil {
		return err
	}
	v := fold.Decide(key, p.events, append(acts, p.acts...))
	if err := w.link(&v, p); err != nil {
		return err
	}
	old := maps.Clone(p.listed)
	for _, r := range rowsOf(key, &v) {
		was, stood := old[r.slot()]
		delete(old, r.slot())
		w.list(r, was, stood)
	}
	for _, s := range slices.SortedFunc(maps.Keys(old), slot.compare) {
		was := old[s]
		if _, err := w.Exec(`DELETE FROM suppressions WHERE key = ? AND source = ? AND stream = ?`, key, s.source, s.stream); err != nil {
			return err
		}
		w.stands(was, -1)
		w.changed("remove", was, w.why(&v, was))
		if was.state == policy.Suppressed.String() {
			w.Out.Removed++
		}
	}
	return nil
}

// differs tells whether what is stored of an address does not follow from its
// facts any more.
func (p *past) differs(key string, v *policy.Verdict) bool {
	rows := rowsOf(key, v)
	if len(rows) != len(p.listed) {
		return true
	}
	for _, r := range rows {
		if p.listed[r.slot()] != r {
			return true
		}
	}
	for i := range v.Notes {
		if p.linked[v.Events[i].ID] != v.FirstNotice(i) {
			return true
		}
	}
	return false
}

// link stores which events are further notices for one that counted.
func (w *Judging) link(v *policy.Verdict, p *past) error {
	for i := range v.Notes {
		id, of := v.Events[i].ID, v.FirstNotice(i)
		if of == p.linked[id] {
			continue
		}
		if _, err := w.Exec(`UPDATE events SET duplicate_of = nullif(CAST(? AS INTEGER), 0) WHERE id = ?`, of, id); err != nil {
			return err
		}
	}
	return nil
}

// why says why a row left the list.
func (w *Judging) why(v *policy.Verdict, was row) string {
	switch {
	case v.Why != "":
		return v.Why
	case was.expires.Valid && was.expires.Int64 <= w.Now.UnixMilli():
		return "expired"
	}
	for _, ep := range slices.Backward(v.Past) {
		if ep.Source.String() == was.source && ep.Stream == was.stream && ep.Since.UnixMilli() == was.since {
			return ep.End
		}
	}
	return "counted anew"
}
