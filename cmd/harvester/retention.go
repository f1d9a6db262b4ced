package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/store/upkeep"
)

func newRetention(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "retention",
		Short: "Show what is kept in the database, and for how long",
		Long: `Shows every table: what it holds, how long it is kept ([retention] of the
configuration sets it), how many rows there are and the oldest of them. What
is too old is dropped every night by the daemon, and by harvester once. To
erase one address, see harvester forget.`,
		Example: "  harvester retention",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				kept, err := set.DB.Upkeep.Kept(cmd.Context(), set.Config.Retention)
				if err != nil {
					return err
				}
				enc, p := json.NewEncoder(a.Out), &page{w: a.Out, zone: set.Config.Timezone.Location()}
				const row = "%-13s  %-29s  %-9s  %8v  %s"
				if !asJSON {
					p.line(row, "TABLE", "HOLDS", "FOR", "ROWS", "OLDEST")
				}
				for _, k := range kept {
					if asJSON {
						if err := enc.Encode(k); err != nil {
							return err
						}
						continue
					}
					p.line(row, k.Table, k.Holds, keepWords(k), k.Rows, oldest(p, k))
				}
				return p.err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	exits(cmd, exitOK, "the tables were printed", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

func keepWords(k upkeep.Kept) string {
	if k.For == 0 {
		return "for good"
	}
	return k.For.String()
}

func oldest(p *page, k upkeep.Kept) string {
	if k.Oldest.IsZero() {
		return "-"
	}
	return p.day(k.Oldest)
}
