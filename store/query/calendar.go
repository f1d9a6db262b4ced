package query

import (
	"context"
	"database/sql"
	"fmt"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/job"
	"maps"
	"math"
	"sync"
	"time"
)

// Cell counts the failures of one reason at one receiver: the operator of the
// MX where he is known, else the recipient's domain.
type Cell struct {
	Receiver string
	Reason   bounce.Reason
	N        int
}

// Calendar counts days for pages that are looked at again and again. Days that
// are over are counted once, and again when something came in, or was read
// anew, that belongs to them: the last thousand days cost no more than the hour
// that is going on.
type Calendar struct {
	reports Reports

	mu       sync.Mutex
	days     map[span]Day
	cells    map[span][]cell
	names    []string          // of receivers and streams, which cells have by number
	numbers  map[string]uint32 // of the names
	messages int64             // the last of each that was counted
	events   int64
	changes  int64
	upkeep   string // runs that changed what was stored before
}

// span is a time that is counted by itself: a day, or an hour of one that is
// going on. A cell counts the failures of one that have all in common that is
// asked for: 16 bytes, since a year may have millions.
type (
	span struct{ from, to int64 } // ms since 1970
	cell struct {
		receiver, stream, n uint32
		reason              bounce.Reason
	}
)

// NewCalendar counts nothing yet.
func NewCalendar(r Reports) *Calendar {
	return &Calendar{reports: r, days: map[span]Day{}, cells: map[span][]cell{}, numbers: map[string]uint32{}}
}

// Days counts the days between midnights, oldest first; of the last so many it
// gives the cells, too.
func (c *Calendar) Days(ctx context.Context, midnights []time.Time, withCells int) (days []Day, cells []Cell, err error) {
	err = c.look(ctx, func(g *gathering) error {
		for i := range len(midnights) - 1 {
			d, err := c.day(g, midnights[i], midnights[i+1])
			if err != nil {
				return err
			}
			days = append(days, d)
		}
		first := max(0, len(midnights)-1-withCells)
		cells, err = c.heat(g, midnights[first:])
		return err
	})
	return days, cells, err
}

// look reads by one snapshot what is not counted yet.
func (c *Calendar) look(ctx context.Context, read func(*gathering) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	tx, err := c.reports.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err == nil {
		defer tx.Rollback() // it only read
		g := gathering{ctx: ctx, q: tx}
		if err = c.freshen(&g); err == nil {
			err = read(&g)
		}
	}
	if err != nil {
		return fmt.Errorf("counting days: %w", engine.Explain(err))
	}
	return nil
}

// mostSpans bounds what is kept; whoever turns the pages of years begins anew.
const mostSpans = 4000

// freshen drops the spans that something newer than the last look belongs to.
func (c *Calendar) freshen(g *gathering) error {
	var messages, events, changes int64
	var first sql.NullInt64
	var upkeep string
	if len(c.days)+len(c.cells) == 0 { // there is nothing that could be old
		c.messages, c.events, c.changes = math.MaxInt64, math.MaxInt64, math.MaxInt64
	}
	// The plus keeps SQLite from looking for the first by its time, through all
	// that was counted before.
	err := g.q.QueryRowContext(g.ctx, `SELECT (SELECT ifnull(max(id), 0) FROM messages), (SELECT ifnull(max(id), 0) FROM events), (SELECT ifnull(max(id), 0) FROM changes),
 (SELECT min(at) FROM (SELECT min(+at) AS at FROM messages WHERE id > ?1 UNION ALL SELECT min(+at) FROM events WHERE id > ?2 UNION ALL SELECT min(+at) FROM changes WHERE id > ?3) firsts),
 (SELECT count(*) FROM tombstones) || '.' || (SELECT ifnull(max(id), 0) || '-' || ifnull(max(ended), 0) FROM runs WHERE kind IN `+engine.Words(job.Replay, job.Reclassify, job.Retention)+`)`,
		c.messages, c.events, c.changes).Scan(&messages, &events, &changes, &first, &upkeep)
	if err != nil {
		return err
	}
	if upkeep != c.upkeep || len(c.days)+len(c.cells) > mostSpans {
		clear(c.days)
		clear(c.cells)
		clear(c.numbers)
		c.names = nil
	} else if first.Valid {
		maps.DeleteFunc(c.days, func(s span, _ Day) bool { return s.to > first.Int64 })
		maps.DeleteFunc(c.cells, func(s span, _ []cell) bool { return s.to > first.Int64 })
	}
	c.messages, c.events, c.changes, c.upkeep = messages, events, changes, upkeep
	return nil
}

// spans are what is counted of a day: all of it when it is over, else its hours
// up to this one, and what is to come.
func (c *Calendar) spans(from, to time.Time) (out []span) {
	now := c.reports.Now()
	for now.Before(to) && !from.After(now) {
		end := from.Add(time.Hour)
		if end.After(to) {
			end = to
		}
		out = append(out, span{from.UnixMilli(), end.UnixMilli()})
		from = end
	}
	if from.Before(to) {
		out = append(out, span{from.UnixMilli(), to.UnixMilli()})
	}
	return out
}

// day counts a day.
func (c *Calendar) day(g *gathering, from, to time.Time) (Day, error) {
	sum := Day{From: from, To: to, Kinds: map[bounce.Kind]int{}, Failed: map[bounce.Reason]int{}}
	for _, s := range c.spans(from, to) {
		d, ok := c.days[s]
		if !ok {
			var err error
			if d, err = g.day(time.UnixMilli(s.from), time.UnixMilli(s.to)); err != nil {
				return sum, err
			}
			c.days[s] = d
		}
		sum.Added, sum.Removed = sum.Added+d.Added, sum.Removed+d.Removed
		for k, n := range d.Kinds {
			sum.Kinds[k] += n
		}
		for r, n := range d.Failed {
			sum.Failed[r] += n
		}
	}
	return sum, nil
}

// heat are the cells of some days, without their streams.
func (c *Calendar) heat(g *gathering, midnights []time.Time) (out []Cell, err error) {
	type place struct {
		receiver uint32
		reason   bounce.Reason
	}
	at := map[place]int{}
	return out, c.eachCell(g, midnights, func(_ int, x cell) {
		p := place{x.receiver, x.reason}
		i, ok := at[p]
		if !ok {
			i, at[p] = len(out), len(out)
			out = append(out, Cell{Receiver: c.names[x.receiver], Reason: x.reason})
		}
		out[i].N += int(x.n)
	})
}

// eachCell hands on the cells of the days between midnights.
func (c *Calendar) eachCell(g *gathering, midnights []time.Time, f func(day int, x cell)) error {
	for i := range len(midnights) - 1 {
		for _, s := range c.spans(midnights[i], midnights[i+1]) {
			list, ok := c.cells[s]
			if !ok {
				var err error
				if list, err = c.countCells(g, s); err != nil {
					return err
				}
				c.cells[s] = list
			}
			for _, x := range list {
				f(i, x)
			}
		}
	}
	return nil
}

func (c *Calendar) countCells(g *gathering, s span) (out []cell, err error) {
	return out, g.each(func(rows *sql.Rows) error {
		var x cell
		var receiver, stream string
		err := rows.Scan(&receiver, engine.Text(&x.reason), &stream, &x.n)
		x.receiver, x.stream = c.number(receiver), c.number(stream)
		out = append(out, x)
		return err
	}, `SELECT `+receiverColumn+` AS receiver, reason, stream, count(*)`+failedWithin+` GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`, s.from, s.to)
}

func (c *Calendar) number(name string) uint32 {
	n, ok := c.numbers[name]
	if !ok {
		n = uint32(len(c.names)) //nolint:gosec // a name takes more than a byte of memory
		c.names = append(c.names, name)
		c.numbers[name] = n
	}
	return n
}
