package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/jobs"
	"harvester/store"
)

func newReclassify(a *app) *cobra.Command {
	var asJSON, apply bool
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
			return a.with(cmd.Context(), !apply, func(set *jobs.Set) error {
				d, err := set.DB.Replay(cmd.Context(), store.Scenario{Policy: set.Config.Table, Meaning: meaning(set.Rules)})
				if err != nil {
					return err
				}
				if apply {
					if err := applyMeaning(cmd, set); err != nil {
						return err
					}
				}
				if asJSON {
					return json.NewEncoder(a.Out).Encode(d)
				}
				return a.printDifference(set, &d)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&apply, "apply", false, "store the new reading, and what follows for the list")
	exits(cmd, exitOK, "the difference was printed, perhaps none, and applied where asked for", exitNoInput, "there is no database yet",
		exitCantCreate, "the database can't be written", exitConfig, "the configuration or a rule file is wrong")
	return cmd
}

// applyMeaning stores what the active rules make of the stored replies.
func applyMeaning(cmd *cobra.Command, set *jobs.Set) error {
	run, err := set.DB.BeginRun(cmd.Context(), "reclassify")
	if err != nil {
		return err
	}
	revised, out, err := set.DB.Recompute(cmd.Context(), meaning(set.Rules))
	detail := fmt.Sprintf("%d events read differently by %s (pack %s), %s", revised, author(), set.Rules.Version(), outcomeText(out))
	if ended := set.DB.EndRun(cmd.Context(), run, detail, err); err == nil {
		err = ended
	}
	return err
}
