package main

import (
	"context"
	"fmt"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/parse/count"
	"harvester/schedule"
)

// dryPass reads every mailbox into a copy of the database, and says what would
// follow. A database that does not exist yet is taken as an empty one.
func (a *app) dryPass(ctx context.Context, c *config.Config, asJSON bool) (results []ran, err error) {
	err = a.rehearsing(ctx, c, asJSON, func(r *compose.Rehearsal) error {
		results = inParallel(c.Mailboxes, func(m *config.Mailbox) ran {
			box := r.Mailbox(m, true)
			box.Copy = true
			tally, err := box.Run(ctx)
			if err != nil {
				return ran{Job: compose.HarvestName(m), Due: true, err: err}
			}
			return ran{Job: compose.HarvestName(m), OK: true, Due: true, Detail: planned(m, &tally)}
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return a.printPass(results, asJSON)
	})
	return results, err
}

// planned says what would become of the mail of one mailbox.
func planned(m *config.Mailbox, t *schedule.Tally) string {
	detail := fmt.Sprintf("would store %s", count.Of(t.Read, "message"))
	if m.Holds == config.HoldsSent {
		detail = fmt.Sprintf("would take %s into the ledger", count.Of(t.Copies, "copy"))
		if t.Useless > 0 {
			detail += fmt.Sprintf(" and pass over %d", t.Useless)
		}
	} else if t.Read > 0 {
		detail += " (" + kindsText(t) + ")"
	}
	if planned := t.Planned(); planned != "" {
		detail += ", then " + planned
	}
	return detail
}
