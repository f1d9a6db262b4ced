package main

import (
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/config"
	"harvester/cmd/harvester/jobs"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/rules"
	"harvester/store"
)

func newReplay(a *app) *cobra.Command {
	var asJSON bool
	var with, rulesDir string
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Show what another policy or other rules would have decided",
		Long: `Decides all stored history again, under the policy of another configuration
(--with) or under rules of your own (--rules), and shows the difference to the
list as it stands. Nothing is written.`,
		Example: "  harvester replay --with stricter.toml\n  harvester replay --rules ./rules",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if with == "" && rulesDir == "" {
				return fail(exitUsage, errors.New("nothing to compare with"), "--with FILE, --rules FOLDER or both")
			}
			return a.with(cmd.Context(), true, func(set *jobs.Set) error {
				s := store.Scenario{Policy: set.Config.Table}
				if with != "" {
					other, err := config.Load(with)
					if err != nil {
						return fail(exitConfig, err, "")
					}
					s.Policy = other.Table
				}
				if rulesDir != "" {
					pack, err := loadRules(rulesDir)
					if err != nil {
						return err
					}
					s.Meaning = meaning(pack)
				}
				d, err := set.DB.Replay(cmd.Context(), s)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(a.Out).Encode(d)
				}
				return a.printDifference(set, &d)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&with, "with", "", "`file` of the configuration whose policy is tried")
	cmd.Flags().StringVar(&rulesDir, "rules", "", "`folder` with rules to try, beside the built-in ones")
	exits(cmd, exitOK, "the difference was printed, perhaps none", exitUsage, "the command line is wrong",
		exitNoInput, "there is no database yet", exitConfig, "a configuration or a rule file is wrong")
	return cmd
}

// readable tells whether rules decide on a stored reply. A reason that came
// from the layout of the notice, and not from a reply, stays.
func readable(diagnostic string, c bounce.Confidence, r bounce.Reason) bool {
	return diagnostic != "" && (c != bounce.ByNothing || r == bounce.Unclassified)
}

// meaning reads a stored reply with other rules.
func meaning(pack *rules.Set) store.Meaning {
	return func(res *parse.Result, r *parse.Recipient) {
		if !readable(r.Diagnostic, r.Confidence, r.Reason) {
			return
		}
		a := pack.Classify(rules.Query{Text: r.Diagnostic, RemoteMTA: r.RemoteMTA, ReportingMTA: res.ReportingMTA, Status: r.Status, Action: r.Action})
		r.Reason, r.Vendor, r.Rule, r.Confidence, r.Evidence = a.Reason, a.Vendor, a.Rule, a.Confidence, a.Evidence
		res.Rules = pack.Version()
	}
}

func (a *app) printDifference(set *jobs.Set, d *store.Difference) error {
	p := &page{w: a.Out, zone: set.Config.Timezone.Location()}
	p.line("%d events, %d read differently; %d on the list, %d then", d.Events, d.Revised, d.Before, d.After)
	for _, c := range d.Changes {
		p.line("%-6s  %-20s  %s", c.Op, c.Reason, printable(c.Address))
	}
	return p.err
}
