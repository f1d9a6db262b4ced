package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/store/job"
	"harvester/store/judge"
)

func newReclassify(a *app) *cobra.Command {
	var asJSON, apply bool
	var samples int
	cmd := &cobra.Command{
		Use:   "reclassify",
		Short: "Read all stored replies again with the rules that are active now",
		Long: `Reads every stored reply with the built-in rules and those of rules_dir, as they
are now, decides all history again and shows the difference to the list. With
--apply the new reading is stored, and the run is kept in the database's log;
the guard still stops the exports when the list changes too much.`,
		Example: "  harvester reclassify\n  harvester reclassify --apply",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			work := func(set *compose.Set) error {
				s := judge.Scenario{Policy: set.Config.Table, Meaning: meaning(set.Rules())}
				d, err := set.DB.Judge.Replay(cmd.Context(), s)
				if err != nil {
					return err
				}
				v := replayed{Difference: d}
				if apply {
					applied, err := set.DB.Judge.Apply(cmd.Context(), s, job.Reclassify, fmt.Sprintf("the active rules (pack %s), by %s", set.RulesVersion(), author()))
					if err != nil {
						return err
					}
					v.Applied = &applied
				}
				return a.printDifference(set, &v, samples, asJSON)
			}
			if apply {
				return a.judging(cmd.Context(), work)
			}
			return a.with(cmd.Context(), true, work)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with every address")
	cmd.Flags().BoolVar(&apply, "apply", false, "store the new reading, and what follows for the list")
	cmd.Flags().IntVar(&samples, "samples", 20, "how `many` addresses to show")
	exits(cmd, exitOK, "the difference was printed, perhaps none, and applied where asked for", exitNoInput, "there is no database yet",
		exitCantCreate, "the database can't be written", exitConfig, "the configuration or a rule file is wrong")
	return cmd
}
