package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/store/engine"
	"harvester/store/policy"
)

func newOptOuts(a *app) *cobra.Command {
	return parent(&cobra.Command{
		Use:   "optouts",
		Short: "List opt-outs that nothing proves, and decide about them",
		Long: `An opt-out by mail is believed where your own server recorded that its sender is
authentic (DKIM or DMARC; authserv_ids), or where it came to a signed return path.
Others wait here, as anybody can write them in the name of another.`,
		Example: "  harvester optouts list\n  harvester optouts accept 1742 --reason 'plain words, from his usual address'",
	},
		newOptOutsList(a),
		newOptOutsRule(a, true, "accept", "Believe an opt-out: the stream that it came from mails the address no more"),
		newOptOutsRule(a, false, "refuse", "Do not believe an opt-out"),
	)
}

func newOptOutsList(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the opt-outs that wait",
		Example: "  harvester optouts list --json",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				waiting, err := set.DB.Reports.OptOuts(cmd.Context())
				if err != nil {
					return err
				}
				enc, p := json.NewEncoder(a.Out), &page{w: a.Out, zone: set.Config.Timezone.Location()}
				if len(waiting) == 0 && !asJSON {
					p.line("no opt-out waits")
				}
				for _, o := range waiting {
					if asJSON {
						if err := enc.Encode(o); err != nil {
							return err
						}
						continue
					}
					p.line("%8v  %s  %s  %s  %s", o.Event, p.stamp(o.At), printable(o.Address), o.Stream, printable(o.Subject))
				}
				return p.err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	exits(cmd, exitOK, "the opt-outs were printed", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

func newOptOutsRule(a *app, believe bool, name, short string) *cobra.Command {
	var asJSON bool
	var reason string
	cmd := &cobra.Command{
		Use:     name + " EVENT",
		Short:   short,
		Long:    short + `. EVENT is a number of "harvester optouts list", or an address for all that wait about it, or "all".`,
		Example: fmt.Sprintf("  harvester optouts %s jane@example.net --reason 'she wrote to us'", name),
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return fail(exitUsage, errors.New("a reason is missing"), "--reason 'why', for those who ask later")
			}
			return a.with(cmd.Context(), false, func(set *compose.Set) error {
				events, err := waitingOptOuts(cmd.Context(), set, args[0])
				if err != nil {
					return err
				}
				sum := ruled{ID: args[0], Ruling: name}
				for _, id := range events {
					out, err := set.DB.Judge.OptOut(cmd.Context(), id, believe, reason, author())
					if errors.Is(err, engine.ErrNotFound) {
						return fail(exitUsage, err, "harvester optouts list shows the numbers")
					}
					if err != nil {
						return err
					}
					sum.Added, sum.Removed, sum.Held = sum.Added+out.Added, sum.Removed+out.Removed, sum.Held+out.Held
				}
				return a.printRuling(sum, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVarP(&reason, "reason", "r", "", "why (required)")
	exits(cmd, exitOK, "the decision is recorded and applied", exitUsage, "there is no such opt-out", exitCantCreate, "the database can't be written",
		exitConfig, "the configuration is wrong")
	return cmd
}

// waitingOptOuts are the events behind a number, an address or "all".
func waitingOptOuts(ctx context.Context, set *compose.Set, name string) (events []int64, err error) {
	if id, err := strconv.ParseInt(name, 10, 64); err == nil {
		return []int64{id}, nil // one that was decided before, too
	}
	waiting, err := set.DB.Reports.OptOuts(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range waiting {
		if name == "all" || policy.Key(o.Address) == policy.Key(name) {
			events = append(events, o.Event)
		}
	}
	if len(events) == 0 {
		return nil, fail(exitUsage, fmt.Errorf("no opt-out of %q waits", name), "harvester optouts list shows them")
	}
	return events, nil
}
