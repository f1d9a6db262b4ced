package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/parse/rules"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/judge"
)

type replayOptions struct {
	json, apply     bool
	with, rules, at string // another configuration, a folder of rules, a day
	samples         int
}

func newReplay(a *app) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Show what another policy, other rules or another day would decide",
		Long: `Decides all stored history again: under the policy of another configuration
(--with), under rules of your own (--rules), as of another day (--at), and shows
the difference to the list as it stands. Without any of them it checks the list:
nothing may differ.

--apply stores the outcome as a new generation of the list, and the run in the
log of the database; the daemon must not run meanwhile. The list follows the
configuration: put FILE in its place before harvester starts again. Alone, it
brings the list, its counts and holds back in step with the stored events, as the
daemon does at its start and every night.`,
		Example: "  harvester replay --with stricter.toml\n  harvester replay --rules ./rules\n  harvester replay --at 2027-01-31\n" +
			"  harvester replay --with stricter.toml --apply",
		Args: args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.replay(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON, with every address")
	cmd.Flags().BoolVar(&o.apply, "apply", false, "store what was decided")
	cmd.Flags().StringVar(&o.with, "with", "", "`file` of the configuration whose policy is tried")
	cmd.Flags().StringVar(&o.rules, "rules", "", "`folder` with rules to try, beside the built-in ones")
	cmd.Flags().StringVar(&o.at, "at", "", "the end of this `day`, YYYY-MM-DD, past or to come")
	cmd.Flags().IntVar(&o.samples, "samples", 20, "how `many` addresses to show")
	exits(cmd, exitOK, "the difference was printed, perhaps none, and applied where asked for", exitUsage, "the command line is wrong",
		exitNoInput, "there is no database yet", exitCantCreate, "the database can't be written",
		exitTempFail, "--apply: a daemon is running", exitConfig, "a configuration or a rule file is wrong")
	return cmd
}

// replay prints what would be decided, and applies it where asked for.
func (a *app) replay(ctx context.Context, o replayOptions) error {
	if o.apply && o.at != "" {
		return fail(exitUsage, errors.New("another day can be tried, but not applied"), "leave --at or --apply out")
	}
	c, err := a.loadConfig()
	if err != nil {
		return err
	}
	s, why, err := scenario(c, o.with, o.rules, o.at)
	if err != nil {
		return err
	}
	opts := compose.Options{ReadOnly: !o.apply}
	if o.apply { // a daemon would go on deciding under the old policy
		opts.Owner = "harvester replay on " + c.Hostname
	}
	set, err := compose.Open(ctx, c, opts)
	if err != nil {
		return err
	}
	defer set.Close()
	d, err := set.DB.Judge.Replay(ctx, s)
	if err != nil {
		return err
	}
	v := replayed{Difference: d}
	if why == "" {
		why = "in step with the events"
	}
	if o.apply {
		if _, err := set.DB.Judge.Heal(ctx); err != nil {
			return err
		}
		applied, err := set.DB.Judge.Apply(ctx, s, job.Replay, why+", by "+author())
		if err != nil {
			return err
		}
		v.Applied = &applied
	}
	return a.printDifference(set, &v, o.samples, o.json)
}

// scenario is what is tried, and what it is in words.
func scenario(c *config.Config, with, rulesDir, at string) (s judge.Scenario, why string, err error) {
	s.Policy = c.Table
	var words []string
	if with != "" {
		other, err := config.Load(with)
		if err != nil {
			return s, "", fail(exitConfig, err, "")
		}
		s.Policy = other.Table
		words = append(words, "the policy of "+with)
	}
	if rulesDir != "" {
		pack, err := loadRules(rulesDir)
		if err != nil {
			return s, "", err
		}
		s.Meaning = meaning(pack)
		words = append(words, "the rules of "+rulesDir+" (pack "+pack.Version()+")")
	}
	if at != "" {
		day, err := dayOf(at, c.Timezone.Location())
		if err != nil {
			return s, "", err
		}
		y, m, d := day.Date()
		s.Now = time.Date(y, m, d+1, 0, 0, 0, 0, day.Location())
	}
	return s, strings.Join(words, " and "), nil
}

// readable tells whether rules decide on a stored reply. A reason that came
// from the layout of the notice, and not from a reply, stays.
func readable(diagnostic string, c bounce.Confidence, r bounce.Reason) bool {
	return diagnostic != "" && (c != bounce.ByNothing || r == bounce.Unclassified)
}

// meaning reads a stored reply with other rules.
func meaning(pack *rules.Set) facts.Meaning {
	return func(res *parse.Result, r *parse.Recipient) {
		if !readable(r.Diagnostic, r.Confidence, r.Reason) {
			return
		}
		a := pack.Classify(rules.Query{Text: r.Diagnostic, RemoteMTA: r.RemoteMTA, ReportingMTA: res.ReportingMTA, Status: r.Status, Action: r.Action})
		r.Reason, r.Vendor, r.Rule, r.Confidence, r.Evidence = a.Reason, a.Vendor, a.Rule, a.Confidence, a.Evidence
		res.Rules = pack.Version()
	}
}

// replayed is what replay and reclassify print.
type replayed struct {
	judge.Difference
	Applied *judge.Applied `json:"applied,omitempty"`
}

func (a *app) printDifference(set *compose.Set, v *replayed, samples int, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(a.Out).Encode(v)
	}
	d, p := &v.Difference, &page{w: a.Out, zone: set.Config.Timezone.Location()}
	p.line("%s, %d read differently; %d on the list, %d then", count.Of(d.Events, "event"), d.Revised, d.Before, d.After)
	by, rows := "", 0
	for _, g := range d.Groups {
		if rows++; g.By != by {
			by, rows = g.By, 1
			p.line("\n%-41s  %9s  %9s  %9s", "BY "+strings.ToUpper(by), "ADDED", "HELD", "REMOVED")
		}
		switch {
		case rows > mostGroups+1:
			continue
		case rows > mostGroups:
			p.line("and more; --json shows them")
			continue
		}
		p.line("%-41s  %9d  %9d  %9d", short(printable(cmp.Or(g.Name, "all streams")), 41), g.Added, g.Held, g.Removed)
	}
	for i, c := range d.Changes {
		if i == 0 {
			p.line("")
		}
		if i == samples {
			p.line("and %d more; --samples N or --json shows them", len(d.Changes)-i)
			break
		}
		p.line("%-6s  %-20s  %s", c.Op, c.Reason, printable(c.Address))
	}
	if v.Applied != nil {
		p.line("\napplied as generation %d: %s", v.Applied.Generation, outcomeText(v.Applied.Outcome))
	}
	return p.err
}

// mostGroups bounds the rows of a table.
const mostGroups = 10

// short cuts s to n letters.
func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
