package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/config"
	"harvester/parse/rules"
)

func newRules(a *app) *cobra.Command {
	var dir string
	cmd := parent(&cobra.Command{
		Use:   "rules",
		Short: "List, show and test the rules for reply texts",
		Long: `Rules say what reply texts mean. The built-in ones can be extended or replaced,
by id, with TOML files in a folder of your own (rules_dir of the configuration).`,
		Example: "  harvester rules list google\n  harvester rules test '550 5.7.1 refused'\n  harvester rules lint --rules ./rules",
	}, newRulesList(a, &dir), newRulesShow(a, &dir), newRulesTest(a, &dir), newRulesLint(a, &dir))
	cmd.PersistentFlags().StringVar(&dir, "rules", "", "`folder` with rules of your own, beside the built-in ones")
	return cmd
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
			set, err := loadRules(*dir)
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
	exits(cmd, exitOK, "the rules were listed", exitNoInput, "there is no such folder", exitConfig, "a rule file is wrong")
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
			set, err := loadRules(*dir)
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
			if near := config.Nearest(args[0], ids); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			return fail(exitUsage, fmt.Errorf("there is no rule %q", args[0]), hint)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "the rule was shown", exitUsage, "there is no such rule", exitNoInput, "there is no such folder", exitConfig, "a rule file is wrong")
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

func newRulesTest(a *app, dir *string) *cobra.Command {
	var remote string
	cmd := &cobra.Command{
		Use:   "test [TEXT...]",
		Short: "Show every rule that spoke for a reply, and why one won",
		Long: `Shows what each reply matches, the winner first, and what the others lost by.
Without TEXT, or for "-", each line of standard input is a reply.`,
		Example: "  harvester rules test '550 5.7.1 Service unavailable; client blocked using Spamhaus'",
		Args:    args(0, -1),
		RunE: func(_ *cobra.Command, texts []string) error {
			set, err := loadRules(*dir)
			if err != nil {
				return err
			}
			w := bufio.NewWriter(a.Out)
			for text, err := range replies(texts, a.In) {
				if err != nil {
					return fail(exitNoInput, fmt.Errorf("reading replies: %w", err), "")
				}
				q := rules.Query{Text: text, RemoteMTA: remote}
				w.Write(appendAnswerText(nil, text, set.Classify(q), a.colours(a.Out)))
				for _, s := range set.Why(q) {
					mark := "lost"
					if s.Won {
						mark = "won"
					}
					name := s.Rule
					if name == "" {
						name = "no rule"
					}
					fmt.Fprintf(w, "  %-9s %s\n", mark, wrap(printable(fmt.Sprintf("%s (%s, %s): %q: %s", name, s.Tier, s.Reason, s.Evidence, s.Why)), 80-12, 12))
				}
			}
			return w.Flush()
		},
	}
	cmd.Flags().StringVar(&remote, "remote", "", "`host` that gave the replies, where it is known")
	exits(cmd, exitOK, "the replies were tested", exitUsage, "the command line is wrong", exitNoInput, "there is no such folder", exitConfig, "a rule file is wrong")
	return cmd
}

func newRulesLint(a *app, dir *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lint",
		Short: "Check rule files, and that every rule wins its own examples",
		Long: `Reads the rules, says everything that is wrong with the files, and tests each
rule on its examples and on the texts that it must not match.`,
		Example: "  harvester rules lint --rules /etc/harvester/rules",
		Args:    args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			set, err := loadRules(*dir)
			if err != nil {
				return err
			}
			wrong := 0
			for _, p := range set.Lint() {
				a.printError(p)
				wrong++
			}
			for _, f := range set.Test() {
				a.printError(errors.New(f.String()))
				wrong++
			}
			if wrong > 0 {
				return fail(exitConfig, fmt.Errorf("%d problems in the rules", wrong), "harvester rules test TEXT shows what answers a reply, and why")
			}
			_, err = fmt.Fprintf(a.Out, "%d rules, all win their examples (pack %s)\n", len(set.Rules()), set.Version())
			return err
		},
	}
	exits(cmd, exitOK, "every rule is right", exitNoInput, "there is no such folder", exitConfig, "a rule file or an example is wrong")
	return cmd
}
