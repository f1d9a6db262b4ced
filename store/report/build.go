package report

import (
	"context"
	"fmt"
	"harvester/store"
	"time"
)

// Build gathers the facts of a day, week or month and composes the report.
func Build(ctx context.Context, db *store.DB, o Options) (*Report, error) {
	var midnights []time.Time
	for back := o.Span.history() - 1; back >= 0; back-- {
		from, to := o.Span.Bounds(o.Day, o.Location, back)
		if len(midnights) == 0 {
			midnights = append(midnights, from)
		}
		midnights = append(midnights, to)
	}
	f, err := db.Reports.ReportFacts(ctx, midnights)
	if err != nil {
		return nil, fmt.Errorf("building the report of %s: %w", o.Day.In(o.Location).Format(time.DateOnly), err)
	}
	return Compose(f, o), nil
}
