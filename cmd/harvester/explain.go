package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/jobs"
	"harvester/parse/bounce"
	"harvester/store"
	"harvester/store/policy"
)

func newExplain(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain ADDRESS",
		Short: "Say why an address is, or is not, on the list",
		Long: `Shows all that is stored about an address: every event with the words that
matched and the rule, the policy line it falls under, what the operator decided,
and what would change the verdict.`,
		Example: "  harvester explain jane@example.net",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !strings.Contains(args[0], "@") {
				return fail(exitUsage, fmt.Errorf("%q is not an address", args[0]), "write local@domain")
			}
			return a.with(cmd.Context(), true, func(set *jobs.Set) error {
				x, err := set.DB.Explain(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(a.Out).Encode(x)
				}
				return explainText(a.Out, &x, a.colours(a.Out), set.Config.Timezone.Location())
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "the address was explained, known or not", exitUsage, "the command line is wrong",
		exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

// verdictWords say what a state means for the sender.
func verdictWords(s policy.State) string {
	switch s {
	case policy.Suppressed:
		return "must not be mailed"
	case policy.HeldBack:
		return "held: would be suppressed, but for a burst around it"
	case policy.Allowed:
		return "may be mailed: the operator allowed it"
	}
	return "may be mailed"
}

func explainText(w io.Writer, x *store.Explanation, c colours, zone *time.Location) error {
	p := &page{w: w, zone: zone}
	verdict := verdictWords(x.State)
	if x.State == policy.Suppressed {
		verdict = c.red(verdict)
	}
	p.line("%s: %s", c.bold(printable(x.Address)), verdict)
	if x.Why != "" {
		p.field("why", x.Why)
	}
	for _, s := range x.Listed {
		p.field("listed", fmt.Sprintf("%s (%s) since %s, expires %s, for %s", s.Reason, s.Source, p.day(s.Since), p.expiry(s.Expires), scopeText(s)))
		p.field("policy", s.Line)
	}
	for _, change := range x.Changes {
		p.field("changes", change)
	}
	if len(x.Events) == 0 {
		p.line("\nNo event is stored about it.")
	}
	for i := range x.Events {
		p.event(&x.Events[i], c)
	}
	for _, o := range x.Overrides {
		undone := ""
		if o.Undone {
			undone = " (taken back)"
		}
		p.line("\n%s  operator: %s %s%s", p.stamp(o.At), o.Act, printable(o.Pattern), undone)
		p.field("reason", o.Reason)
		p.field("by", o.Author)
	}
	for _, e := range x.Exports {
		p.line("\nexported by %s, generation %d, %s", e.Name, e.Generation, p.stamp(e.At))
	}
	return p.err
}

func scopeText(s store.Suppression) string {
	switch s.Scope {
	case policy.ScopeMarketing:
		return "all marketing streams"
	case policy.ScopeStream:
		if s.Stream == "" {
			return "the stream that sent"
		}
		return "stream " + s.Stream
	}
	return "all streams"
}

func (p *page) event(e *store.ExplainedEvent, c colours) {
	what := c.bold(e.Kind.String())
	if e.Action != bounce.ActionNone {
		what += ", " + e.Action.String()
	}
	p.line("\n%s  %s", p.stamp(e.At), what)
	if e.Action == bounce.Failed || e.Action == bounce.Delayed {
		p.field("reason", verdictText(e.Reason, e.Class, c))
	}
	p.field("codes", codesText(e.ReplyCode, e.Status))
	p.field("said by", e.RemoteMTA)
	p.field("reply", e.Diagnostic)
	p.field("matched", e.Evidence)
	if e.Rule != "" {
		p.field("rule", fmt.Sprintf("%s (pack %s)", e.Rule, e.RulePack))
	}
	p.field("proof", e.Proof.String())
	p.field("policy", e.Line)
	if e.Counted {
		p.field("weight", "counted")
	} else {
		p.field("weight", "none: "+e.Why)
	}
	p.field("notice", strings.TrimSpace(e.MessageID+" "+e.Subject))
	for _, place := range e.Places {
		p.field("found at", place.String())
	}
}

// page writes aligned text and keeps the first error.
type page struct {
	w    io.Writer
	zone *time.Location
	err  error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *page) field(name, v string) {
	if v != "" {
		p.line("  %-9s %s", name, wrap(printable(v), 80-12, 12))
	}
}

func (p *page) stamp(t time.Time) string { return t.In(p.zone).Format("2006-01-02 15:04") }
func (p *page) day(t time.Time) string   { return t.In(p.zone).Format(time.DateOnly) }

func (p *page) expiry(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return p.day(t)
}
