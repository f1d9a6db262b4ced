package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/parse/count"
	"harvester/parse/nearest"
	"harvester/schedule/diagnose"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

func newIncidents(a *app) *cobra.Command {
	cmd := newIncidentsList(a)
	list := cmd.RunE
	parent(cmd, newIncidentsList(a), newIncidentsShow(a), newIncidentAct(a, "ack", "Record that you have seen an incident"),
		newIncidentAct(a, "note", "Write something down about an incident"), newIncidentsRollback(a))
	cmd.Use = "incidents"
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return list(cmd, args)
	}
	exits(cmd, exitOK, "the incidents were printed", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

func newIncidentsList(a *app) *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show what is wrong on your own side, and what mends it",
		Long: `Shows one incident for each cause that receivers hold against you: whom it hit,
the latest reply, and what to do. Nobody is suppressed for these. An incident
closes by itself after three days without a failure, or after twelve hours when
a receiver that it hit has taken mail since; one more failure opens the next.`,
		Example: "  harvester incidents\n  harvester incidents list --all --json",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				since := time.Now()
				if all {
					since = time.Time{}
				}
				list, err := set.DB.Incidents.Incidents(cmd.Context(), since)
				if err != nil {
					return err
				}
				enc, p := json.NewEncoder(a.Out), &page{w: a.Out, zone: set.Config.Timezone.Location()}
				for i := range list {
					if !asJSON {
						p.incident(&list[i], a.colours(a.Out))
					} else if err := enc.Encode(list[i]); err != nil {
						return err
					}
				}
				if len(list) == 0 && !asJSON {
					p.line("no incident is open")
				}
				return p.err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().BoolVar(&all, "all", false, "closed ones, too")
	exits(cmd, exitOK, "the incidents were printed", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

func newIncidentsShow(a *app) *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show the incident of one cause, with what was done and when it struck",
		Long: `Shows the latest incident of a cause in full, and those before it in a line
each; --all shows all of them in full.`,
		Example: "  harvester incidents show spf:example.org\n  harvester incidents show spf:example.org --all",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				p := &page{w: a.Out, zone: set.Config.Timezone.Location()}
				return showCause(cmd.Context(), set, p, a.colours(a.Out), args[0], all, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().BoolVar(&all, "all", false, "all incidents of the cause in full")
	exits(cmd, exitOK, "the incidents were printed", exitUsage, "there is no such incident", exitNoInput, "there is no database yet",
		exitConfig, "the configuration is wrong")
	return cmd
}

// showCause shows the incidents of one cause, and what was found about it.
func showCause(ctx context.Context, set *compose.Set, p *page, c colours, id string, all, asJSON bool) error {
	list, err := incidentsOf(ctx, set, id, math.MaxInt)
	if err != nil {
		return err
	}
	looked, err := set.Looked(ctx, id)
	if err != nil {
		return err
	}
	if asJSON {
		return showIncidentsJSON(p.w, list, looked)
	}
	p.showIncidents(list, c, all)
	p.diagnosed(looked, id)
	return p.err
}

// showIncidentsJSON writes an object a line for each incident; the first, which
// is the open one, has what the latest diagnosis found.
func showIncidentsJSON(w io.Writer, list []query.Incident, looked []compose.Looked) error {
	type shown struct {
		query.Incident
		Findings []diagnose.Finding `json:"findings"`
	}
	enc := json.NewEncoder(w)
	for i := range list {
		x := shown{list[i], []diagnose.Finding{}}
		for j := range looked {
			if i == 0 {
				x.Findings = append(x.Findings, looked[j].Full)
			}
		}
		if err := enc.Encode(x); err != nil {
			return err
		}
	}
	return nil
}

// showIncidents shows the first of the incidents in full, and of the others a
// line each, or all in full.
func (p *page) showIncidents(list []query.Incident, c colours, all bool) {
	for i := range list {
		in := &list[i]
		if i == 0 || all {
			p.incident(in, c)
			p.field("follows", strings.Join(in.Includes, ", "))
			p.struck(in.Hours)
			continue
		}
		if i == 1 {
			p.line("Before that:")
		}
		if i > mostEarlier {
			p.line("  … and %s; --all shows them", count.Of(len(list)-i, "more incident"))
			return
		}
		p.line("  %s to %s  %s at %s", p.stamp(in.Opened), p.stamp(in.Closed), count.Of(in.Count, "failure"), wrap(printable(strings.Join(in.Receivers, ", ")), 30, 4))
	}
}

const (
	mostEarlier = 10 // incidents that are told in a line each
	mostHours   = 24 // hours that are told one by one, else days
	mostDays    = 30 // days that are told one by one, the latest
)

// struck tells when failures came, by the hour, or by the day where they are many.
func (p *page) struck(hours []policy.Tally) {
	if len(hours) <= mostHours {
		for _, h := range hours {
			p.field("hour", fmt.Sprintf("%s  %s", p.stamp(h.Hour), count.Number(h.N)))
		}
		return
	}
	var days []string
	n := map[string]int{}
	for _, h := range hours {
		day := p.day(h.Hour)
		if n[day] == 0 {
			days = append(days, day)
		}
		n[day] += h.N
	}
	if more := len(days) - mostDays; more > 0 {
		p.field("days", fmt.Sprintf("%s before %s, see --json", count.Of(more, "day"), days[more]))
		days = days[more:]
	}
	for _, day := range days {
		p.field("day", fmt.Sprintf("%s  %s", day, count.Number(n[day])))
	}
}

// incidentsOf finds the incidents of one cause, the open one first.
func incidentsOf(ctx context.Context, set *compose.Set, id string, whole int) ([]query.Incident, error) {
	out, err := set.DB.Incidents.Of(ctx, id, whole)
	if err != nil || len(out) > 0 {
		return out, err
	}
	all, err := set.DB.Incidents.Incidents(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range all {
		ids = append(ids, all[i].ID)
	}
	return nil, noSuchIncident(id, ids)
}

func noSuchIncident(id string, ids []string) error {
	hint := "harvester incidents list --all shows the ids"
	if near := nearest.Name(id, ids); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return fail(exitUsage, fmt.Errorf("there is no incident %q", id), hint)
}

func newIncidentAct(a *app, act, short string) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     act + " ID TEXT...",
		Short:   short,
		Long:    short + ". It is kept with your name and shown with the incident.",
		Example: fmt.Sprintf("  harvester incidents %s spf:example.org 'the DNS provider is at it'", act),
		Args:    args(2, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), false, func(set *compose.Set) error {
				if _, err := incidentsOf(cmd.Context(), set, args[0], 0); err != nil {
					return err
				}
				if err := set.DB.Incidents.IncidentAct(cmd.Context(), args[0], act, strings.Join(args[1:], " "), author()); err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(a.Out).Encode(struct {
						ID   string `json:"id"`
						Act  string `json:"act"`
						Text string `json:"text"`
					}{args[0], act, strings.Join(args[1:], " ")})
				}
				_, err := fmt.Fprintf(a.Out, "%s: %s recorded\n", args[0], act)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	if act == "ack" {
		cmd.Use, cmd.Args = "ack ID [TEXT...]", args(1, -1)
	}
	exits(cmd, exitOK, "it is recorded", exitUsage, "there is no such incident", exitCantCreate, "the database can't be written",
		exitConfig, "the configuration is wrong")
	return cmd
}

func newIncidentsRollback(a *app) *cobra.Command {
	var asJSON bool
	var reason string
	cmd := &cobra.Command{
		Use:   "rollback ID",
		Short: "Take back every verdict that an outage or a broken path led to",
		Long: `Takes all weight from the failures of an outage: what was suppressed for them
leaves the list, and the next export carries the removals. ID is that of a hold
(harvester holds list --all), or of an incident of your own path ("path...").
For other incidents there is nothing to take back: nobody was suppressed.`,
		Example: "  harvester incidents rollback outage:google:2026-01-06T08 --reason 'their incident report'",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return fail(exitUsage, errors.New("a reason is missing"), "--reason 'why', for those who ask later")
			}
			return a.with(cmd.Context(), false, func(set *compose.Set) error {
				holds, err := set.DB.Reports.Holds(cmd.Context(), time.Time{})
				if err != nil {
					return err
				}
				var out facts.Outcome
				found := false
				concern, path := policy.PathConcern(args[0])
				for _, h := range holds {
					if h.ID() != args[0] && !(path && h.Kind == policy.OwnPath && h.Subject == concern) {
						continue
					}
					o, err := set.DB.Judge.Rule(cmd.Context(), h.Kind, h.Subject, h.Start, false, reason, author())
					if err != nil {
						return err
					}
					found, out.Removed, out.Added, out.Held = true, out.Removed+o.Removed, out.Added+o.Added, out.Held+o.Held
				}
				if found {
					return a.printRuling(ruled{args[0], "rollback", out.Added, out.Removed, out.Held}, asJSON)
				}
				if _, err := incidentsOf(cmd.Context(), set, args[0], 0); err != nil {
					return err
				}
				return fail(exitUsage, fmt.Errorf("%s: nobody is suppressed for this, so there is nothing to take back", args[0]),
					"harvester holds list --all shows what can be")
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVarP(&reason, "reason", "r", "", "why (required)")
	exits(cmd, exitOK, "its verdicts are taken back", exitUsage, "there is no such incident, or nothing to take back",
		exitCantCreate, "the database can't be written", exitConfig, "the configuration is wrong")
	return cmd
}

func provenText(in *query.Incident) string {
	switch in.Proven {
	case 0:
		return fmt.Sprintf("none of these %d is proven to be of our mail", in.Count)
	case in.Count:
		return fmt.Sprintf("all are of our mail, by %s", count.Of(in.ProvenBy, "receiver"))
	}
	return fmt.Sprintf("%d of them are of our mail, by %s", in.Proven, count.Of(in.ProvenBy, "receiver"))
}

func (p *page) incident(in *query.Incident, c colours) {
	p.line("%s (%s)", c.bold(in.Cause.Title), in.ID)
	state := "open since " + p.stamp(in.Opened)
	if !in.Closed.IsZero() {
		state = fmt.Sprintf("%s to %s (closed by %s)", p.stamp(in.Opened), p.stamp(in.Closed), in.ClosedBy)
	}
	if in.Count > 0 {
		p.field("state", fmt.Sprintf("%s, last seen %s, %s", state, p.stamp(in.LastSeen), count.Of(in.Count, "failure")))
		p.field("proof", provenText(in))
	} else {
		p.field("state", fmt.Sprintf("%s, last seen %s by the watch over your records", state, p.stamp(in.LastSeen)))
	}
	if in.Earlier > 0 {
		p.field("earlier", fmt.Sprintf("%s of this cause; harvester incidents show %s", count.Of(in.Earlier, "incident"), in.ID))
	}
	p.field("at", strings.Join(in.Receivers, ", "))
	p.field("names", strings.Join(in.Named, ", "))
	p.field("reply", in.Sample)
	for i, step := range in.Cause.Steps {
		p.field(fmt.Sprintf("step %d", i+1), step)
	}
	p.field("page", in.Cause.Page)
	for _, act := range in.Acts {
		p.field(act.Act, strings.TrimRight(fmt.Sprintf("%s %s: %s", p.stamp(act.At), act.Author, act.Text), ": "))
	}
	p.line("")
}
