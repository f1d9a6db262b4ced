package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"harvester/parse/count"
	"harvester/parse/nearest"
	"harvester/store/simulate"
)

type simulateOptions struct {
	json, source bool
	recipients   int // 0: as the scenario says
	seed         uint64
	seeded       bool // the seed is not the scenario's
}

func newSimulate(a *app) *cobra.Command {
	var o simulateOptions
	cmd := &cobra.Command{
		Use:   "simulate [SCENARIO|FILE]",
		Short: "Play an outage or an ordinary quarter, and count whom it would have cost",
		Long: `Plays a scenario against a temporary database, day by day, with the built-in
policy, and prints what was mailed, what failed, what was held, what the list
held in the evening and how many of those were alive ("wrong"). Without an
argument the scenarios are listed. A FILE is one of your own; --source prints a
built-in one to start from.`,
		Example: "  harvester simulate\n  harvester simulate google-2020\n  harvester simulate --source spf > mine.toml",
		Args:    args(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.seeded = cmd.Flags().Changed("seed")
			return a.simulate(cmd.Context(), first(args), o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&o.source, "source", false, "print the scenario instead of playing it")
	cmd.Flags().IntVar(&o.recipients, "recipients", 0, "play it with this `many` recipients (default: as the scenario says)")
	cmd.Flags().Uint64Var(&o.seed, "seed", 0, "`number` that chance starts from (default: as the scenario says)")
	exits(cmd, exitOK, "it ended as the scenario expects", exitUsage, "there is no such scenario", exitData, "the file is not a scenario",
		exitSoftware, "it did not: a living address was lost, or something was not noticed")
	return cmd
}

// simulate plays a scenario, or lists them.
func (a *app) simulate(ctx context.Context, name string, o simulateOptions) error {
	if name == "" {
		return a.listScenarios(o.json)
	}
	if o.source {
		doc, err := simulate.Source(name)
		if err != nil {
			return noSuchScenario(name)
		}
		_, err = a.Out.Write(doc)
		return err
	}
	s, err := loadScenario(name)
	if err != nil {
		return err
	}
	if o.recipients > 0 {
		s.Resize(o.recipients)
	}
	if o.seeded {
		s.Seed = o.seed
	}
	dir, err := os.MkdirTemp("", "harvester-simulate-")
	if err != nil {
		return fmt.Errorf("making a folder for the database: %w", err)
	}
	defer os.RemoveAll(dir)
	r, err := simulate.Run(ctx, s, filepath.Join(dir, s.Name+".db"), dir)
	if err != nil {
		return fmt.Errorf("playing %s: %w", name, err)
	}
	if o.json {
		err = json.NewEncoder(a.Out).Encode(r)
	} else {
		err = a.printSimulation(&s, &r)
	}
	if err == nil && len(r.Failures) > 0 {
		err = fail(exitSoftware, errors.New("the scenario did not end as it must"), "")
	}
	return err
}

func noSuchScenario(name string) error {
	hint := "harvester simulate lists them"
	if near := nearest.Name(name, simulate.Names()); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return fail(exitUsage, fmt.Errorf("there is no scenario or file %q", name), hint)
}

// loadScenario reads a built-in scenario, or a file where none has the name.
func loadScenario(name string) (simulate.Scenario, error) {
	if s, err := simulate.Load(name); err == nil {
		return s, nil
	}
	doc, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return simulate.Scenario{}, noSuchScenario(name)
	}
	if err != nil {
		return simulate.Scenario{}, fail(exitNoInput, fmt.Errorf("reading a scenario: %w", err), "")
	}
	s, err := simulate.Parse(name, doc)
	if err != nil {
		return s, fail(exitData, err, "harvester simulate --source spf shows how one is written")
	}
	return s, nil
}

func (a *app) listScenarios(asJSON bool) error {
	enc, w := json.NewEncoder(a.Out), tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	for _, name := range simulate.Names() {
		s, err := simulate.Load(name)
		if err != nil {
			return err
		}
		if !asJSON {
			fmt.Fprintf(w, "%s\t%s\n", name, s.About)
		} else if err := enc.Encode(struct {
			Name       string `json:"name"`
			About      string `json:"about"`
			Recipients int    `json:"recipients"`
			Days       int    `json:"days"`
		}{name, s.About, s.Recipients, s.Days}); err != nil {
			return err
		}
	}
	return w.Flush()
}

func (a *app) printSimulation(s *simulate.Scenario, r *simulate.Report) error {
	p := &page{w: a.Out, zone: time.UTC}
	c := a.colours(a.Out)
	p.line("%s\n", wrap(printable(s.About), 80, 0))
	p.line("%5s %8s %8s %8s %11s %8s", "DAY", "MAILED", "FAILED", "HELD", "SUPPRESSED", "WRONG")
	var last simulate.Day
	for i, d := range r.Days {
		// Days on which nothing happens are left out.
		if i > 0 && i < len(r.Days)-1 && d.Mailed+d.Failed == 0 && d.Held == last.Held && d.Suppressed == last.Suppressed {
			continue
		}
		note := ""
		if d.Stopped {
			note = "  the guard keeps the file as it was"
		}
		p.line("%5d %8d %8d %8d %11d %8d%s", d.Day, d.Mailed, d.Failed, d.Held, d.Suppressed, d.Wrong, note)
		last = d
	}
	p.line("")
	p.field("wrong", fmt.Sprintf("%d living addresses were ever suppressed", r.Wrong))
	p.field("found", fmt.Sprintf("%.1f %% of the dead, by their third mailing", 100*r.Recall))
	for _, in := range r.Incidents {
		p.field("incident", fmt.Sprintf("%s: %s, %s at %s", in.ID, in.Cause.Title, count.Of(in.Count, "failure"), count.Of(len(in.Receivers), "receiver")))
	}
	for _, f := range r.Failures {
		p.field("not met", c.red(f))
	}
	return p.err
}
