package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/store/engine"
	"harvester/store/judge"
	"harvester/store/policy"
)

// The statuses of pause-check are those that a sender's script asks for; what
// keeps it from answering has a status of sysexits.
const (
	exitPaused  = 1
	exitUnknown = 2
)

func newPauseCheck(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "pause-check STREAM",
		Short: "Say by the exit status whether a stream may go on sending",
		Long: `Tells whether STREAM, a [stream.NAME] of the configuration, may go on sending:
whether too many of its recipients failed for good, or complained, within seven
days. Without streams in the configuration it is "all", all mail together. What
was sent has to be known, else there is no rate: docs/rates.md.`,
		Example: "  harvester pause-check newsletter && send-newsletter\n  harvester pause-check all --json",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				rates, err := set.DB.Rates.Rates(cmd.Context())
				if err != nil {
					return err
				}
				r, err := findRate(rates, args[0])
				if err != nil {
					return err
				}
				if asJSON {
					err = json.NewEncoder(a.Out).Encode(r)
				} else {
					_, err = fmt.Fprintln(a.Out, rateText(r))
				}
				if err != nil {
					return err
				}
				switch r.Level {
				case policy.Paused:
					return fail(exitPaused, errors.New(""), "")
				case policy.Unknown:
					return fail(exitUnknown, errors.New(""), howToCount)
				case policy.Fine, policy.Warned:
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "go on sending, perhaps with a warning", exitPaused, "pause", exitUnknown, "unknown: nobody says how much was sent",
		exitUsage, "there is no such stream", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

// howToCount says how a rate becomes known.
const howToCount = "harvester volume import takes counts, [sent.NAME] follows a mail server's log: docs/rates.md"

func findRate(rates []judge.Rate, stream string) (judge.Rate, error) {
	var names []string
	for _, r := range rates {
		if r.Stream == stream {
			return r, nil
		}
		names = append(names, r.Stream)
	}
	return judge.Rate{}, noSuchStream(stream, names)
}

func rateText(r judge.Rate) string { return fmt.Sprintf("%s: %s, %s", r.Stream, r.Level, r.Why) }

func newPause(a *app) *cobra.Command {
	return parent(&cobra.Command{
		Use:     "pause",
		Short:   "List how streams fare, and let a paused one send again",
		Example: "  harvester pause list\n  harvester pause resume newsletter --reason 'the list is clean now'",
	}, newPauseList(a), newPauseResume(a))
}

func newPauseList(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Print the rates of every stream, with its level",
		Long: `Prints for each stream how many recipients it sent to within seven days, which
part of them failed for good or complained, and the level that follows. "At
least" is the lower bound of the 95 % interval: few mails prove little.`,
		Example: "  harvester pause list",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				rates, err := set.DB.Rates.Rates(cmd.Context())
				if err != nil {
					return err
				}
				enc, w := json.NewEncoder(a.Out), tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
				if !asJSON {
					fmt.Fprintln(w, "STREAM\tLEVEL\tSENT\tHARD\tSHARE\tAT LEAST\tCOMPLAINTS\tSHARE")
				}
				for _, r := range rates {
					if asJSON {
						if err := enc.Encode(r); err != nil {
							return err
						}
						continue
					}
					sent, share, low, complaints := "-", "-", "-", "-"
					if r.Sent != nil {
						sent, share, low, complaints = fmt.Sprint(*r.Sent), percent(r.HardShare), percent(r.HardLow), percent(r.CompShare)
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%d\t%s\n", r.Stream, r.Level, sent, r.Hard, share, low, r.Complaints, complaints)
				}
				return w.Flush()
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	exits(cmd, exitOK, "the rates were printed", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

func percent(share float64) string { return fmt.Sprintf("%.2f%%", 100*share) }

func newPauseResume(a *app) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "resume STREAM",
		Short: "Let a paused stream send again; only what happens from now on counts",
		Long: `Ends the pause of STREAM. Its rate counts anew from now on, so that what led to
the pause does not bring it back.`,
		Example: "  harvester pause resume newsletter --reason 'the list is clean now'",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return fail(exitUsage, errors.New("a reason is missing"), "--reason 'why', for those who ask later")
			}
			return a.with(cmd.Context(), false, func(set *compose.Set) error {
				ctx := cmd.Context()
				rates, err := set.DB.Rates.Rates(ctx)
				if err != nil {
					return err
				}
				if _, err := findRate(rates, args[0]); err != nil {
					return err
				}
				err = set.DB.Rates.Resume(ctx, args[0], reason, author())
				if errors.Is(err, engine.ErrNotFound) {
					return fail(exitUsage, fmt.Errorf("the stream %s is not paused", args[0]), "harvester pause list shows how it stands")
				}
				if err != nil {
					return err
				}
				if _, err := set.UpdateRates(ctx); err != nil {
					return err
				}
				_, err = fmt.Fprintf(a.Out, "%s may send again\n", args[0])
				return err
			})
		},
	}
	cmd.Flags().StringVarP(&reason, "reason", "r", "", "why (required)")
	exits(cmd, exitOK, "the stream may send again", exitUsage, "there is no such stream, it is not paused, or the reason is missing",
		exitCantCreate, "the database or a signal file can't be written", exitConfig, "the configuration is wrong")
	return cmd
}
