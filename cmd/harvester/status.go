package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store/facts"
	"harvester/store/fleet"
	"harvester/store/job"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
)

// statusJob is a configured job and how it fared.
type statusJob struct {
	Job  job.Name   `json:"job"`
	Last *facts.Run `json:"last"` // null when it never ran
	Next time.Time  `json:"next"` // by its schedule, or later where it failed and is left alone for a while
}

// statusView is what `status --json` prints.
type statusView struct {
	Config   string       `json:"config"`
	Database query.Status `json:"database"`
	Stopped  *judge.Trip  `json:"stopped"` // what keeps the exports still; null when they go on
	Rates    []judge.Rate `json:"rates"`   // of each stream

	Unproven *query.Unproven `json:"unproven"` // failures that own_domains does not account for; null when few
	Alarms   []policy.Alarm  `json:"alarms"`   // that lasted at the last look for them
	Jobs     []statusJob     `json:"jobs"`

	Workers []fleet.Worker `json:"workers,omitempty"` // who share a database of a server
	Pending *facts.Pending `json:"pending,omitempty"` // what they handed in and nobody has judged yet
}

type statusOptions struct{ json bool }

func newStatus(a *app) *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Show how mailboxes, files and the database stand",
		Example: "  harvester status",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.status(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	exits(cmd, exitOK, "the status was printed", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

// status prints how mailboxes, files and the database stand.
func (a *app) status(ctx context.Context, o statusOptions) error {
	return a.with(ctx, true, func(set *compose.Set) error {
		db, err := set.DB.Reports.Status(ctx)
		if err != nil {
			return err
		}
		view := statusView{Config: set.Config.File, Database: db, Jobs: jobStates(set, db, time.Now())}
		trip, stopped, err := set.DB.Guard.Tripped(ctx)
		if err != nil {
			return err
		}
		if stopped {
			view.Stopped = &trip
		}
		unproven, err := set.DB.Reports.Unproven(ctx)
		if err != nil {
			return err
		}
		if unproven.String() != "" {
			view.Unproven = &unproven
		}
		if view.Rates, err = set.DB.Rates.Rates(ctx); err != nil {
			return err
		}
		if view.Alarms, err = set.DB.Alarms.Alarms(ctx); err != nil {
			return err
		}
		view.Alarms = slices.DeleteFunc(view.Alarms, func(al policy.Alarm) bool { return !al.Lasts() })
		if view.Workers, err = set.DB.Fleet.Workers(ctx); err != nil {
			return err
		}
		if len(view.Workers) > 0 {
			pending, err := set.DB.Mailboxes.Pending(ctx)
			if err != nil {
				return err
			}
			view.Pending = &pending
		}
		if o.json {
			return json.NewEncoder(a.Out).Encode(view)
		}
		return a.printStatus(set, &view)
	})
}

func jobStates(set *compose.Set, db query.Status, now time.Time) []statusJob {
	var out []statusJob
	for _, j := range slices.Concat(set.Harvests(), set.Files()) {
		s := statusJob{Job: j.Name, Next: j.Spec.Next(now.In(set.Config.Timezone.Location()))}
		if i := slices.IndexFunc(db.Jobs, func(r facts.Run) bool { return r.Job == j.Name }); i >= 0 {
			s.Last = &db.Jobs[i]
			if s.Last.Retry.After(now) {
				s.Next = s.Last.Retry.In(s.Next.Location())
			}
		}
		out = append(out, s)
	}
	return out
}

func (a *app) printStatus(set *compose.Set, v *statusView) error {
	p := &page{w: a.Out, zone: set.Config.Timezone.Location()}
	c, db := a.colours(a.Out), &v.Database
	p.field("config", v.Config)
	p.field("database", fmt.Sprintf("%s, %s", db.Path, bytesText(db.Bytes)))
	p.field("messages", fmt.Sprintf("%d (%s)", db.Messages, countsText(db.Kinds)))
	p.field("listed", fmt.Sprintf("%d (%s), %d held", total(db.Suppressions), countsText(db.Suppressions), db.Held))
	if v.Stopped != nil {
		p.line("  %-9s %s", "exports", c.red(fmt.Sprintf("stopped since %s: see harvester ack --help", p.stamp(v.Stopped.At))))
		p.field("", v.Stopped.Why)
	}
	if v.Unproven != nil {
		p.field("proof", v.Unproven.String())
	}
	for _, al := range v.Alarms {
		p.field("alarm", fmt.Sprintf("%s since %s: %s", strings.ToUpper(al.Urgency.String()), p.stamp(al.Opened), al.Title))
	}
	if db.Waiting > 0 {
		p.field("waiting", fmt.Sprintf("%s on the word of notices that anybody can have written: harvester holds", count.Of(db.Waiting, "verdict")))
	}
	if db.OptOuts > 0 {
		p.field("opt-outs", fmt.Sprintf("%d wait, as nothing proves who sent them: harvester optouts", db.OptOuts))
	}
	if db.Triage > 0 {
		p.field("triage", triageText(db))
	}
	if db.Poison > 0 {
		p.field("poison", fmt.Sprintf("%s that the server could not deliver", count.Of(db.Poison, "message")))
	}
	if db.Unsettled > 0 {
		p.field("to settle", fmt.Sprintf("%s on the server", count.Of(db.Unsettled, "message")))
	}
	for _, c := range db.Pushes {
		text := fmt.Sprintf("%s was told of %s", c.Push, count.Of(c.Sent, "address"))
		if c.Refused > 0 {
			text += fmt.Sprintf(" and refused %d: see harvester push refused", c.Refused)
		}
		p.field("push", text)
	}
	for _, r := range v.Rates {
		text := rateText(r)
		if r.Level == policy.Paused {
			p.line("  %-9s %s", "rate", c.red(text))
			continue
		}
		p.field("rate", text)
	}
	for i := range v.Workers {
		p.field("worker", workerText(p, &v.Workers[i]))
	}
	if v.Pending != nil && v.Pending.Arrivals > 0 {
		p.field("pending", fmt.Sprintf("%s handed in, the oldest %s ago", count.Of(v.Pending.Mails, "mail"), v.Pending.Lag().Round(time.Second)))
	}
	for _, f := range db.Folders {
		upTo := ""
		if f.LastUID > 0 { // only IMAP has them
			upTo = fmt.Sprintf(" up to UID %d", f.LastUID)
		}
		p.field("folder", fmt.Sprintf("%s/%s read%s, %s", f.Mailbox, f.Folder, upTo, p.stamp(f.At)))
	}
	p.line("")
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "JOB\tLAST RUN\tSTATE\tNEXT")
	var failures, limits []string
	for _, j := range v.Jobs {
		last, state := "never", "-"
		if j.Last != nil {
			last, state = p.stamp(j.Last.Started), runState(j.Last)
			if _, less, told := strings.Cut(j.Last.Detail, "; "); told && j.Last.OK && j.Job.Kind == job.Harvest {
				limits = append(limits, j.Job.String()+": "+less)
			}
			if state == "failed" {
				failures = append(failures, fmt.Sprintf("%s: %s", j.Job, firstLine(j.Last.Detail)))
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", j.Job, last, state, p.stamp(j.Next))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, l := range limits {
		p.line("\n%s", wrap(printable(l), 78, 2))
	}
	for _, f := range failures {
		p.line("\n%s", c.red(wrap(printable(f), 78, 2)))
	}
	return p.err
}

// workerText says what a worker does.
func workerText(p *page, w *fleet.Worker) string {
	if !w.Heard {
		return fmt.Sprintf("%s is heard no more since %s", w.Name, p.stamp(w.Until))
	}
	held := map[string]int{}
	for _, l := range w.Leases {
		kind, _, _ := strings.Cut(l, " ")
		held[kind]++
	}
	text := w.Name + " has " + count.Of(held["mailbox"], "mailbox")
	if held["export"] > 0 {
		text += ", " + count.Of(held["export"], "export")
	}
	if w.Leads() {
		text += ", and leads"
	}
	if len(w.Differs) > 0 {
		text += "; it does not judge, its configuration differs in " + strings.Join(w.Differs, ", ")
	}
	return text
}

// triageText says what is kept to be looked at. A run counts as "not understood"
// only what names nobody.
func triageText(db *query.Status) string {
	text := count.Of(db.Triage, "message") + " to look at, see harvester triage"
	nobody := db.Kinds[bounce.KindUnparsed.String()]
	if replies := db.Triage - nobody; nobody > 0 && replies > 0 {
		text += fmt.Sprintf(": %s %s not understood at all, of %s no rule knows the reply", count.Number(nobody), count.Verb(nobody, "was", "were"), count.Number(replies))
	}
	return text
}

func runState(r *facts.Run) string {
	switch {
	case r.Ended.IsZero():
		return "running"
	case r.OK:
		return "ok"
	}
	return "failed"
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func countsText(counts map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[k], k))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func total(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

func bytesText(n int64) string {
	const unit = 1 << 10
	switch {
	case n < unit:
		return fmt.Sprintf("%d bytes", n)
	case n < unit*unit:
		return fmt.Sprintf("%.1f KB", float64(n)/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%.1f MB", float64(n)/unit/unit)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/unit/unit/unit)
}
