package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/parse/count"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

func newHolds(a *app) *cobra.Command {
	return parent(&cobra.Command{
		Use:   "holds",
		Short: "List verdicts that wait for an outage to end, and decide about them",
		Long: `When one receiver refuses far more addresses than usual at once, or many fail at
unrelated places alike, that is an outage until it is proven otherwise: what
would have been suppressed is held and no export carries it. A second failure
after the hold confirms it, a delivery or silence drops it, or you decide.

Verdicts that rest on what anybody can write (docs/proof.md) wait when more than
10 addresses come within an hour, or 25 of one domain within a day. Nothing
confirms those but more proof, or you: "forgeable" stands for all such holds.`,
		Example: "  harvester holds list\n  harvester holds release forgeable --reason 'our newsletter of today'\n  harvester holds drop outage:google:2026-01-06T08 --reason 'their incident report'",
	},
		newHoldsList(a),
		newHoldsRule(a, true, "release", "Believe the failures of a hold: they count as usual"),
		newHoldsRule(a, false, "drop", "Disbelieve the failures of a hold: they lose all weight, exported ones too"),
	)
}

// holdView is a hold as JSON prints it.
type holdView struct {
	ID string `json:"id"`
	query.Hold
}

type holdsOptions struct{ json, all bool }

func newHoldsList(a *app) *cobra.Command {
	var o holdsOptions
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the holds that stand, or all that ever did",
		Example: "  harvester holds list --all",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.holds(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object a line")
	cmd.Flags().BoolVar(&o.all, "all", false, "those that are over, too")
	exits(cmd, exitOK, "the holds were printed", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

// holds prints the holds that stand, or all.
func (a *app) holds(ctx context.Context, o holdsOptions) error {
	return a.with(ctx, true, func(set *compose.Set) error {
		holds, err := set.DB.Reports.Holds(ctx, time.Time{})
		if err != nil {
			return err
		}
		if !o.all {
			// What nobody confirmed stays held when the outage is over.
			holds = slices.DeleteFunc(holds, func(h query.Hold) bool { return h.Held == 0 && !h.Until.After(time.Now()) })
		}
		enc, p := json.NewEncoder(a.Out), &page{w: a.Out, zone: set.Config.Timezone.Location()}
		const row = "%-16s  %6v  %6v  %6v  %6v  %s" // the id last: it may be long
		if !o.json && len(holds) > 0 {
			p.line(row, "UNTIL", "NAMED", "HELD", "PEAK", "USUAL", "HOLD")
		}
		for _, h := range holds {
			if o.json {
				if err := enc.Encode(holdView{h.ID(), h}); err != nil {
					return err
				}
				continue
			}
			usual := "-"
			if h.Baseline > 0 {
				usual = fmt.Sprint(h.Baseline)
			}
			p.line(row, p.stamp(h.Until), h.Addresses, h.Held, h.Peak, usual, h.ID())
			if h.Ruling != "" {
				p.field("ruling", fmt.Sprintf("%s by %s: %s", h.Ruling, h.Author, h.Reason))
			} else if what := effectText(h.Kind); what != "" {
				p.field("", what)
			}
		}
		if len(holds) == 0 && !o.json {
			p.line("nothing is held")
		}
		return p.err
	})
}

type ruleOptions struct {
	release bool
	name    string // release, drop
	json    bool
	reason  string
}

func newHoldsRule(a *app, release bool, name, short string) *cobra.Command {
	o := ruleOptions{release: release, name: name}
	cmd := &cobra.Command{
		Use:     name + " HOLD",
		Short:   short,
		Long:    short + `. HOLD is an id of "harvester holds list --all", or the receiver alone where only one hold is his, or "forgeable": all where verdicts wait for you. The latest ruling holds.`,
		Example: fmt.Sprintf("  harvester holds %s google --reason 'seen in their status page'", name),
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.rule(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().StringVarP(&o.reason, "reason", "r", "", "why (required)")
	exits(cmd, exitOK, "the ruling is recorded and applied", exitUsage, "there is no such hold", exitCantCreate, "the database can't be written",
		exitConfig, "the configuration is wrong")
	return cmd
}

// rule records what the operator says of holds.
func (a *app) rule(ctx context.Context, hold string, o ruleOptions) error {
	if o.reason == "" {
		return fail(exitUsage, errors.New("a reason is missing"), "--reason 'why', for those who ask later")
	}
	return a.with(ctx, false, func(set *compose.Set) error {
		holds, err := set.DB.Reports.Holds(ctx, time.Time{})
		if err != nil {
			return err
		}
		found, err := findHolds(holds, hold)
		if err != nil {
			return err
		}
		sum := ruled{ID: hold, Ruling: o.name}
		for _, h := range found {
			out, err := set.DB.Judge.Rule(ctx, h.Kind, h.Subject, h.Start, o.release, o.reason, author())
			if err != nil {
				return err
			}
			sum.Added, sum.Removed, sum.Held = sum.Added+out.Added, sum.Removed+out.Removed, sum.Held+out.Held
		}
		if len(found) == 1 {
			sum.ID = found[0].ID()
		}
		return a.printRuling(sum, o.json)
	})
}

// ruled is what a decision about a hold, or about an incident, changed.
type ruled struct {
	ID      string `json:"id"`
	Ruling  string `json:"ruling"` // release, drop, rollback
	Added   int    `json:"added"`
	Removed int    `json:"removed"`
	Held    int    `json:"held"`
}

func (a *app) printRuling(r ruled, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(a.Out).Encode(r)
	}
	_, err := fmt.Fprintf(a.Out, "%s: %s, %s\n", r.ID, r.Ruling, outcomeText(facts.Outcome{Added: r.Added, Removed: r.Removed, Held: r.Held}))
	return err
}

// effectText says what a kind of hold does besides holding.
func effectText(kind policy.WindowKind) string {
	switch c, _ := policy.Concentrated(kind); c.Effect {
	case policy.Discounts:
		return "our own path: what failed has no weight"
	case policy.Waits:
		return "anybody can have written these: they wait for you"
	case policy.Holds:
	}
	return ""
}

// findHolds finds the holds behind a name: one, or all that wait for the
// operator.
func findHolds(holds []query.Hold, name string) (found []query.Hold, err error) {
	if name == string(policy.Forgeable) {
		for _, h := range holds {
			if c, _ := policy.Concentrated(h.Kind); c.Effect == policy.Waits && (h.Ruling == "" || h.Held > 0) {
				found = append(found, h)
			}
		}
		if found == nil {
			return nil, fail(exitUsage, errors.New("nothing waits"), "harvester holds list --all shows the holds")
		}
		return found, nil
	}
	h, err := findHold(holds, name)
	return []query.Hold{h}, err
}

// findHold finds a hold by its id, or by its subject where there is only one.
func findHold(holds []query.Hold, name string) (query.Hold, error) {
	if i := slices.IndexFunc(holds, func(h query.Hold) bool { return h.ID() == name }); i >= 0 {
		return holds[i], nil
	}
	var found []query.Hold
	var ids []string
	for _, h := range holds {
		if h.Subject == name {
			found, ids = append(found, h), append(ids, h.ID())
		}
	}
	switch len(found) {
	case 0:
		return query.Hold{}, fail(exitUsage, fmt.Errorf("there is no hold %q", name), "harvester holds list --all shows the ids")
	case 1:
		return found[0], nil
	}
	return query.Hold{}, fail(exitUsage, fmt.Errorf("%q has %s", name, count.Of(len(found), "hold")), "one of "+strings.Join(ids, ", "))
}

// outcomeText says what an act changed.
func outcomeText(o facts.Outcome) string {
	return fmt.Sprintf("%d suppressed, %d lifted, %d held", o.Added, o.Removed, o.Held)
}
