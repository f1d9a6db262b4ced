package query

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/judge"
	"harvester/store/policy"
)

// ListSearch narrows the list that a person looks through.
type ListSearch struct {
	Filter
	From  ListPlace
	Limit int // rows of a page; 0: 50
	Look  int // entries of an index that are looked through for one; 0: 100,000
}

// ListPlace is where a search goes on. The zero value is the beginning.
type ListPlace struct {
	Step                        step
	Domain, Key, Source, Stream string // the last row that was looked at
}

// ListFound is a page of the list. What is looked for by a part comes in three
// turns: addresses that begin with it, then those whose domain does, both by
// their order, then all others by domain and address.
type ListFound struct {
	Rows []Suppression
	Next ListPlace // zero at the end
	Far  bool      // the page is not full, since enough was looked through for once
}

// step is what is looked through.
type step int

const (
	whole     step = iota // what an index finds of the list, or all of it, by key
	beginning             // addresses that begin with a part, by key
	domains               // those whose domain does, by domain and key
	elsewhere             // all, for those that have it anywhere else, by domain and key
)

// A search costs so much for one page, however long the list is. It looks in
// chunks: the first is enough where many rows match.
const (
	enough     = 100_000 // entries of an index are looked through
	readRow    = 20      // and so many entries' worth is each row that has to be read
	firstChunk = 100
	fewComers  = 5_000 // newcomers of which each is looked up
)

// Search returns a page of the list. It looks through a bounded number of rows;
// Next goes on from there.
func (db List) Search(ctx context.Context, f ListSearch) (out ListFound, err error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	if f.Look <= 0 {
		f.Look = enough
	}
	l := looking{ctx: ctx, f: &f, place: f.From, part: strings.ToLower(f.Part)}
	since := f.Since
	f.Part, f.Since = "", time.Time{} // which are looked for in a way of our own
	l.filter = db.conditions(&f.Filter)
	tx, err := db.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // one snapshot
	if err == nil {
		defer tx.Rollback() // it only read
		l.q = tx
		if err = l.newcomers(since); err == nil {
			if l.part != "" && f.Domain == "" && l.came == nil && l.place == (ListPlace{}) {
				l.place.Step = beginning
			}
			err = l.page(&out)
		}
	}
	if err != nil {
		return out, fmt.Errorf("looking through the list: %w", engine.Explain(err))
	}
	return out, nil
}

// looking is a search under way.
type looking struct {
	ctx    context.Context //nolint:containedctx // it lives no longer than the call that made it
	q      engine.Querier
	f      *ListSearch
	part   string
	filter condition  // on rows of the list
	came   *condition // newcomers that are looked up; nil: the list is looked through
	place  ListPlace
}

// newcomers are looked up one by one where they are few, and else told by a
// look at each row's past.
func (l *looking) newcomers(since time.Time) error {
	if since.IsZero() {
		return nil
	}
	few := min(fewComers, l.f.Look/readRow)
	var n int
	err := l.q.QueryRowContext(l.ctx, `SELECT count(*) FROM (SELECT 1 FROM changes INDEXED BY changes_at WHERE `+judge.Newcomers+` AND at >= ? LIMIT ?) c`, since.UnixMilli(), few+1).Scan(&n)
	if n <= few && l.place.Step == whole {
		l.came = &condition{}
		l.came.and(judge.Newcomers+` AND at >= ?`, since.UnixMilli())
		return err
	}
	l.filter.and(`EXISTS (SELECT 1 FROM changes c WHERE c.key = suppressions.key AND c.source = suppressions.source AND c.stream = suppressions.stream AND `+judge.Newcomers+` AND c.at >= ?)`, since.UnixMilli())
	return err
}

// page looks until the page is full, enough was looked through, or the end.
func (l *looking) page(out *ListFound) error {
	for left, chunk := l.f.Look, firstChunk; ; chunk *= 8 {
		cost := readRow
		if l.place.Step == elsewhere {
			cost = 1
		}
		rows := max(1, min(chunk, left/cost))
		found, err := l.look(rows, l.f.Limit+1-len(out.Rows))
		if err != nil {
			return err
		}
		out.Rows = append(out.Rows, found...)
		if n := l.f.Limit; len(out.Rows) > n {
			out.Rows = out.Rows[:n]
			r := &out.Rows[n-1]
			out.Next = ListPlace{Step: l.place.Step, Domain: r.Domain, Key: r.Key, Source: r.Source, Stream: r.Stream}
			return nil
		}
		end, err := l.move(rows)
		switch left -= rows * cost; {
		case err != nil:
			return err
		case end && (l.place.Step == whole || l.place.Step == elsewhere):
			return nil
		case end:
			l.place, chunk = ListPlace{Step: l.place.Step + 1}, firstChunk
		}
		if left < readRow {
			out.Next, out.Far = l.place, true
			return nil
		}
	}
}

// look looks through the next rows, and returns what of them is asked for, at
// most so many.
func (l *looking) look(rows, most int) (out []Suppression, err error) {
	from, order := l.from()
	cond := l.filter
	if l.part != "" {
		switch l.place.Step {
		case whole:
			cond.and(`instr(l.k, ?) > 0`, l.part)
		case domains:
			cond.and(`NOT (l.k >= ? AND l.k < ?)`, l.part, l.part+last)
		case elsewhere:
			cond.and(`instr(l.k, ?) > 0 AND NOT (l.k >= ? AND l.k < ?) AND NOT (l.d >= ? AND l.d < ?)`, l.part, l.part, l.part+last, l.part, l.part+last)
		case beginning:
		}
	}
	found, err := l.q.QueryContext(l.ctx, `SELECT `+engine.Names(allFields)+` FROM (SELECT domain AS d, key AS k, source AS so, stream AS st FROM `+from.sql+` ORDER BY `+order+` LIMIT `+fmt.Sprint(rows)+`) l
 CROSS JOIN suppressions ON key = l.k AND source = l.so AND stream = l.st`+cond.where()+` ORDER BY `+order+` LIMIT `+fmt.Sprint(most), append(from.args, cond.args...)...)
	if err != nil {
		return nil, err
	}
	var s Suppression
	into := engine.Targets(allFields, &s)
	err = engine.Each(found, func(found *sql.Rows) error {
		err := found.Scan(into...)
		if s.Address == "" {
			s.Address = s.Key
		}
		out = append(out, s)
		return err
	})
	return out, err
}

// move goes on beyond the next rows, and tells whether there are no more.
func (l *looking) move(rows int) (end bool, err error) {
	from, order := l.from()
	p := &l.place
	err = l.q.QueryRowContext(l.ctx, `SELECT domain, key, source, stream FROM `+from.sql+` ORDER BY `+order+` LIMIT 1 OFFSET `+fmt.Sprint(rows-1), from.args...).
		Scan(&p.Domain, &p.Key, &p.Source, &p.Stream)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	return false, err
}

// last sorts behind all that can follow in an address.
const last = "\U0010ffff"

// from is what is looked through beyond the place, and in what order.
func (l *looking) from() (from condition, order string) {
	p, byKey, byDomain := &l.place, `key, source, stream`, `domain, key, source, stream`
	c := condition{}
	order = byKey
	if p.Step >= domains {
		order = byDomain
		if p.Domain+p.Key != "" {
			c.and(`(domain, key, source, stream) > (?,?,?,?)`, p.Domain, p.Key, p.Source, p.Stream)
		}
	} else if p.Key != "" {
		c.and(`(key, source, stream) > (?,?,?)`, p.Key, p.Source, p.Stream)
	}
	table := `suppressions`
	switch {
	case p.Step == beginning:
		c.and(`key >= ? AND key < ?`, l.part, l.part+last)
	case p.Step == domains:
		table += ` INDEXED BY suppressions_domain`
		c.and(`domain >= ? AND domain < ?`, l.part, l.part+last)
	case p.Step == elsewhere:
		table += ` INDEXED BY suppressions_domain`
	case l.came != nil:
		table = `(SELECT DISTINCT domain, key, source, stream FROM changes INDEXED BY changes_at` + l.came.where() + `) came`
		c.args = append(slices.Clone(l.came.args), c.args...)
	case l.f.Domain != "":
		table += ` INDEXED BY suppressions_domain`
		c.and(`domain = ?`, policy.DomainKey(l.f.Domain))
	case l.f.State == policy.HeldBack:
		table += ` INDEXED BY suppressions_held`
		c.and(`state = 'held'`)
	case len(l.f.Reasons) == 1 && l.f.Reasons[0] != bounce.UserUnknown.String():
		table += ` INDEXED BY suppressions_reason`
		c.and(`reason <> `+engine.Word(bounce.UserUnknown)+` AND reason = ?`, l.f.Reasons[0])
	case l.f.Source != "" && l.f.Source != policy.SourceBounce.String():
		table += ` INDEXED BY suppressions_source`
		c.and(`source <> `+engine.Word(policy.SourceBounce)+` AND source = ?`, l.f.Source)
	}
	return condition{sql: table + c.where(), args: c.args}, order
}
