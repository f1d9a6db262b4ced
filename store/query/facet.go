package query

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"slices"
	"strings"
	"time"
)

// Facet narrows failures to a receiver, a reason, a stream; what is nil is not
// asked for.
type Facet struct {
	Receiver *string
	Reason   *bounce.Reason
	Stream   *string // "" is what no stream is known of
}

// Facets are the failures of a facet, day by day, and by what else they have in
// common.
type Facets struct {
	Days      []map[bounce.Class]int // between the midnights
	Receivers []Tallied
	Reasons   []Tallied
	Streams   []Tallied
	N         int
}

// Tallied is how often something was counted, over all and on the last day.
type Tallied struct {
	Name    string
	N       int
	LastDay int
}

// Facets counts the failures of a facet within the days between midnights.
func (db Reports) Facets(ctx context.Context, f Facet, midnights []time.Time) (out Facets, err error) {
	cond, args := "", []any{midnights[0].UnixMilli(), midnights[len(midnights)-1].UnixMilli()}
	if f.Receiver != nil {
		cond += ` AND ` + receiverColumn + ` = ?`
		if *f.Receiver == "" {
			cond += ` AND operator = '' AND domain = ''`
		}
		args = append(args, *f.Receiver)
	}
	if f.Reason != nil {
		cond, args = cond+` AND reason = ?`, append(args, f.Reason.String())
	}
	if f.Stream != nil {
		cond, args = cond+` AND stream = ?`, append(args, *f.Stream)
	}
	out.Days = make([]map[bounce.Class]int, len(midnights)-1)
	for i := range out.Days {
		out.Days[i] = map[bounce.Class]int{}
	}
	receivers, reasons, streams := map[string]*Tallied{}, map[string]*Tallied{}, map[string]*Tallied{}
	g := gathering{ctx: ctx, q: db.Read}
	// Days begin at quarters of an hour of UTC in every time zone there is.
	err = g.each(func(rows *sql.Rows) error {
		var quarter int64
		var receiver, stream string
		var reason bounce.Reason
		var n int
		if err := rows.Scan(&quarter, &receiver, engine.Text(&reason), &stream, &n); err != nil {
			return err
		}
		at := time.UnixMilli(quarter * 900_000)
		day, found := slices.BinarySearchFunc(midnights, at, time.Time.Compare)
		if !found {
			day--
		}
		if day < 0 || day >= len(out.Days) {
			return nil // a zone of the past, whose days began at odd minutes
		}
		out.Days[day][reason.Class(bounce.Failed)] += n
		out.N += n
		last := 0
		if day == len(out.Days)-1 {
			last = n
		}
		add(receivers, receiver, n, last)
		add(reasons, reason.String(), n, last)
		add(streams, stream, n, last)
		return nil
	}, `SELECT at / 900000, `+receiverColumn+`, reason, stream, count(*)`+failedWithin+cond+` GROUP BY 1, 2, 3, 4`, args...)
	if err != nil {
		return out, fmt.Errorf("counting failures: %w", engine.Explain(err))
	}
	out.Receivers, out.Reasons, out.Streams = ranked(receivers), ranked(reasons), ranked(streams)
	return out, nil
}

func add(into map[string]*Tallied, name string, n, last int) {
	if into[name] == nil {
		into[name] = &Tallied{Name: name}
	}
	into[name].N += n
	into[name].LastDay += last
}

// ranked sorts a tally, most first.
func ranked(m map[string]*Tallied) (out []Tallied) {
	for _, t := range m {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Tallied) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Name, b.Name)) })
	return out
}
