package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/config"
	"harvester/parse/count"
	"harvester/parse/nearest"
	"harvester/parse/rules"
)

func newRules(a *app) *cobra.Command {
	var dir string
	cmd := parent(&cobra.Command{
		Use:   "rules",
		Short: "List, show and test the rules for reply texts",
		Long: `Rules say what reply texts mean. The built-in ones can be extended or replaced,
by id, with TOML files in a folder of your own: --rules, else the rules_dir of
the configuration, where there is one.`,
		Example: "  harvester rules list google\n  harvester rules test --labels labels.jsonl\n  harvester rules lint --rules ./rules",
	}, newRulesList(a, &dir), newRulesShow(a, &dir), newRulesTest(a, &dir), newRulesLint(a, &dir))
	cmd.PersistentFlags().StringVar(&dir, "rules", "", "`folder` with rules of your own, beside the built-in ones")
	return cmd
}

// ruleSet reads the built-in rules with those of a folder: the flag's, else the
// configuration's, where there is one.
func (a *app) ruleSet(dir string) (*rules.Set, error) {
	if dir == "" {
		switch c, err := a.loadConfig(); {
		case err == nil:
			dir = c.RulesDir
		case !errors.Is(err, config.ErrNoFile):
			return nil, err
		}
	}
	return loadRules(dir)
}

// ruleView is a rule as JSON prints it.
type ruleView struct {
	ID       string   `json:"id"`
	Vendor   string   `json:"vendor"`
	Reason   string   `json:"reason"`
	Fault    string   `json:"fault"`
	Class    string   `json:"class"`
	Remote   []string `json:"remote"`
	Code     string   `json:"code"`
	Status   []string `json:"status"`
	Contains []string `json:"contains"`
	Unless   []string `json:"unless"`
	Match    string   `json:"match"`
	Advice   string   `json:"action"`
	Source   string   `json:"source"`
	Examples []string `json:"examples"`
	Not      []string `json:"not"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
}

func viewOf(r *rules.Rule) ruleView {
	return ruleView{r.ID, r.Vendor, r.Reason.String(), r.Reason.Fault().String(), failing(r.Reason).String(), r.Remote, r.Code, r.Status,
		r.Contains, r.Unless, r.Match, r.Advice, r.Source, r.Examples, r.Not, r.File, r.Line}
}

func newRulesList(a *app, dir *string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list [WORD]",
		Short:   "List rules, all or those of an id, vendor or reason with WORD",
		Example: "  harvester rules list spamhaus",
		Args:    args(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := a.ruleSet(*dir)
			if err != nil {
				return err
			}
			enc, w := json.NewEncoder(a.Out), tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
			for _, r := range set.Rules() {
				if len(args) > 0 && !strings.Contains(r.ID+" "+r.Vendor+" "+r.Reason.String(), args[0]) {
					continue
				}
				if !asJSON {
					fmt.Fprintf(w, "%s\t%s\n", r.ID, r.Reason)
				} else if err := enc.Encode(viewOf(&r)); err != nil {
					return err
				}
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	exits(cmd, exitOK, "the rules were listed", exitConfig, "a rule file is wrong, or its folder is missing")
	return cmd
}

func newRulesShow(a *app, dir *string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show one rule in full",
		Example: "  harvester rules show generic.user-unknown",
		Args:    args(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := a.ruleSet(*dir)
			if err != nil {
				return err
			}
			var ids []string
			for _, r := range set.Rules() {
				if r.ID != args[0] {
					ids = append(ids, r.ID)
					continue
				}
				if asJSON {
					return json.NewEncoder(a.Out).Encode(viewOf(&r))
				}
				return showRule(a, &r)
			}
			hint := "harvester rules list shows the ids"
			if near := nearest.Name(args[0], ids); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			return fail(exitUsage, fmt.Errorf("there is no rule %q", args[0]), hint)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "the rule was shown", exitUsage, "there is no such rule", exitConfig, "a rule file is wrong, or its folder is missing")
	return cmd
}

func showRule(a *app, r *rules.Rule) error {
	p := &page{w: a.Out}
	p.line("%s: %s", r.ID, verdictText(r.Reason, failing(r.Reason), a.colours(a.Out)))
	p.field("file", fmt.Sprintf("%s:%d", r.File, r.Line))
	p.field("vendor", r.Vendor)
	p.field("remote", strings.Join(r.Remote, " "))
	p.field("code", r.Code)
	p.field("status", strings.Join(r.Status, " "))
	for _, f := range []struct {
		name string
		list []string
	}{{"contains", r.Contains}, {"unless", r.Unless}, {"match", nonEmpty(r.Match)}, {"example", r.Examples}, {"not", r.Not}} {
		for _, v := range f.list {
			p.field(f.name, v)
		}
	}
	p.field("action", r.Advice)
	p.field("source", r.Source)
	return p.err
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// problemView is a fault of a rule as JSON prints it.
type problemView struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Rule   string `json:"rule"`
	What   string `json:"what"`
	Fix    string `json:"fix"`
}

func newRulesLint(a *app, dir *string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "lint",
		Short: "Check rule files, and what is doubtful about the rules in them",
		Long: `Reads the rules, says everything that is wrong with the files, then what is
doubtful: a rule that can never win, two rules that claim one text, a phrase that
is the beginning of another with another reason, a slow pattern, a code that
nobody knows, a rule without example or source, an example that another takes.`,
		Example: "  harvester rules lint --rules /etc/harvester/rules",
		Args:    args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			set, err := a.ruleSet(*dir)
			if err != nil {
				return err
			}
			problems := set.Lint()
			for _, p := range problems {
				if !asJSON {
					a.printError(p)
				} else if err := json.NewEncoder(a.Out).Encode(problemView(p)); err != nil {
					return err
				}
			}
			if len(problems) > 0 {
				return fail(exitConfig, fmt.Errorf("%s in the rules", count.Of(len(problems), "problem")), "harvester classify --why TEXT shows what answers a reply, and why")
			}
			if asJSON {
				return nil
			}
			_, err = fmt.Fprintf(a.Out, "%s, nothing to say against them (pack %s)\n", count.Of(len(set.Rules()), "rule"), set.Version())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print each problem as one JSON object a line, and nothing else")
	exits(cmd, exitOK, "every rule is right", exitConfig, "a rule file or an example is wrong, or the folder is missing")
	return cmd
}
