package main

import (
	"context"
	"fmt"
	"os"

	"harvester/cmd/harvester/config"
	"harvester/store/query"
)

// printLevels tells how well the stored failures are proven, and what raises
// that. Before the first harvest there is nothing to tell.
func (a *app) printLevels(ctx context.Context, c *config.Config) error {
	if _, err := os.Stat(c.Store.Path); err != nil {
		return nil //nolint:nilerr // there is no database yet
	}
	set, err := openSet(ctx, c, true)
	if err != nil {
		return nil //nolint:nilerr // the doctor tells what is wrong with it
	}
	defer set.Close()
	l, err := set.DB.Reports.Levels(ctx, query.LevelDays)
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	for i, line := range l.Advice(c.Proof) {
		if i == 0 {
			fmt.Fprintf(a.Out, "\nProof (%s is asked for, docs/proof.md):\n", c.Proof)
		}
		fmt.Fprintf(a.Out, "  %s\n", wrap(line, 76, 2))
	}
	return nil
}
