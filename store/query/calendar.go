package query

import (
	"context"
	"database/sql"
	"fmt"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/job"
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

// Calendar counts days for a page that is looked at again and again. Days that
// are over are counted once, and again when something came in, or was read
// anew, that belongs to them: the last thousand days cost no more than this one.
type Calendar struct {
	reports Reports

	mu       sync.Mutex
	days     map[span]Day
	cells    map[span][]Cell
	messages int64 // the last of each that was counted
	events   int64
	changes  int64
	upkeep   string // runs that changed what was stored before
}

type span struct{ from, to int64 }

// NewCalendar counts nothing yet.
func NewCalendar(r Reports) *Calendar {
	return &Calendar{reports: r, days: map[span]Day{}, cells: map[span][]Cell{}}
}

// Days counts the days between midnights, oldest first; of the last so many it
// gives the cells, too.
func (c *Calendar) Days(ctx context.Context, midnights []time.Time, withCells int) (days []Day, cells []Cell, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tx, err := c.reports.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, nil, fmt.Errorf("counting days: %w", engine.Explain(err))
	}
	defer tx.Rollback() // it only read
	g := gathering{ctx: ctx, q: tx}
	err = c.freshen(&g)
	sum := map[[2]string]*Cell{}
	for i := 0; i+1 < len(midnights) && err == nil; i++ {
		from, to := midnights[i], midnights[i+1]
		k := span{from.UnixMilli(), to.UnixMilli()}
		d, ok := c.days[k]
		if !ok {
			if d, err = g.day(from, to); err != nil {
				break
			}
			c.days[k] = d
		}
		days = append(days, d)
		if i+1+withCells < len(midnights) {
			continue
		}
		list, ok := c.cells[k]
		if !ok {
			if list, err = g.cells(from, to); err != nil {
				break
			}
			c.cells[k] = list
		}
		for _, x := range list {
			at := [2]string{x.Receiver, x.Reason.String()}
			if sum[at] == nil {
				sum[at] = &Cell{Receiver: x.Receiver, Reason: x.Reason}
				cells = append(cells, x)
			}
			sum[at].N += x.N
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("counting days: %w", engine.Explain(err))
	}
	for i := range cells {
		cells[i].N = sum[[2]string{cells[i].Receiver, cells[i].Reason.String()}].N
	}
	return days, cells, nil
}

// mostDays bounds what is kept; whoever turns the pages of years begins anew.
const mostDays = 4000

// freshen drops the days that something newer than the last look belongs to.
func (c *Calendar) freshen(g *gathering) error {
	var messages, events, changes int64
	var first sql.NullInt64
	var upkeep string
	// The plus keeps SQLite from looking for the first by its time, through all
	// that was counted before.
	err := g.q.QueryRowContext(g.ctx, `SELECT (SELECT ifnull(max(id), 0) FROM messages), (SELECT ifnull(max(id), 0) FROM events), (SELECT ifnull(max(id), 0) FROM changes),
 (SELECT min(at) FROM (SELECT min(+at) AS at FROM messages WHERE id > ?1 UNION ALL SELECT min(+at) FROM events WHERE id > ?2 UNION ALL SELECT min(+at) FROM changes WHERE id > ?3) firsts),
 (SELECT count(*) FROM tombstones) || '.' || (SELECT ifnull(max(id), 0) || '-' || ifnull(max(ended), 0) FROM runs WHERE kind IN `+engine.Words(job.Replay, job.Reclassify, job.Retention)+`)`,
		c.messages, c.events, c.changes).Scan(&messages, &events, &changes, &first, &upkeep)
	if err != nil {
		return err
	}
	if upkeep != c.upkeep || messages < c.messages || len(c.days) > mostDays {
		clear(c.days)
		clear(c.cells)
	} else if first.Valid {
		for k := range c.days {
			if k.to > first.Int64 {
				delete(c.days, k)
				delete(c.cells, k)
			}
		}
	}
	c.messages, c.events, c.changes, c.upkeep = messages, events, changes, upkeep
	return nil
}

func (g *gathering) cells(from, to time.Time) (out []Cell, err error) {
	return out, g.each(func(rows *sql.Rows) error {
		var x Cell
		err := rows.Scan(&x.Receiver, engine.Text(&x.Reason), &x.N)
		out = append(out, x)
		return err
	}, `SELECT `+receiverColumn+` AS receiver, reason, count(*)`+failedWithin+` GROUP BY 1, 2 ORDER BY 1, 2`, from.UnixMilli(), to.UnixMilli())
}
