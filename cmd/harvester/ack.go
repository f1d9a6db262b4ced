package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/store/engine"
)

func newAck(a *app) *cobra.Command {
	var asJSON bool
	var reason string
	cmd := &cobra.Command{
		Use:   "ack",
		Short: "Let the exports go on after the guard stopped them",
		Long: `When many more addresses than usual come onto the list or leave it at once, the
exports stand still, with the files as they are, so that a wrong rule can't
empty a customer's list over night. Look at what changed (harvester report
--date today, harvester suppress list --since DAY), then release them.

They stand still as well, and nothing expires, when the clock is more than a day
beyond all that was seen before and neither a new mail nor the kernel confirms
it. Set it right, and they go on by themselves; ack says that it is right.`,
		Example: "  harvester ack --reason 'a list of former customers was imported'",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if reason == "" {
				return fail(exitUsage, errors.New("a reason is missing"), "--reason 'why', for those who ask later")
			}
			return a.with(cmd.Context(), false, func(set *compose.Set) error {
				trip, stopped, err := set.DB.Guard.Tripped(cmd.Context())
				if err != nil {
					return err
				}
				if stopped {
					err = set.DB.Guard.Release(cmd.Context(), reason, author())
				}
				released := err == nil && stopped
				switch {
				case asJSON && (err == nil || errors.Is(err, engine.ErrNotFound)):
					err = json.NewEncoder(a.Out).Encode(struct {
						Released bool   `json:"released"`
						Why      string `json:"why"` // they were stopped
					}{released, trip.Why})
				case !stopped || errors.Is(err, engine.ErrNotFound):
					_, err = fmt.Fprintln(a.Out, "nothing is stopped")
				case err == nil:
					_, err = fmt.Fprintf(a.Out, "the exports go on: %s\n", trip.Why)
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVarP(&reason, "reason", "r", "", "why (required)")
	exits(cmd, exitOK, "the exports go on, or nothing was stopped", exitUsage, "the command line is wrong",
		exitCantCreate, "the database can't be written", exitConfig, "the configuration is wrong")
	return cmd
}
