package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/harvest"
	"harvester/schedule"
	"harvester/store/job"
)

// parallelMailboxes bounds connections and memory of one pass.
const parallelMailboxes = 8

// ran is what became of one job of a pass.
type ran struct {
	Job    job.Name `json:"job"`
	OK     bool     `json:"ok"`
	Due    bool     `json:"due"`
	Detail string   `json:"detail"`
	Error  string   `json:"error,omitempty"`
	err    error
}

func newOnce(a *app) *cobra.Command {
	var asJSON, dry bool
	cmd := &cobra.Command{
		Use:   "once",
		Short: "Harvest every mailbox once, then write the files that are due",
		Long: `Makes one pass over all mailboxes, then writes the exports and the report that
are due by their schedules. For cron and for trying a configuration; the daemon
is harvester run. With --dry-run it reads the mail into a copy of the database,
and says what would follow: which addresses would be listed and by which line of
the policy, what is yours to mend, and what would change in each export. Neither
server nor database is touched.`,
		Example: "  harvester once --dry-run\n  */10 * * * * harvester once --config /etc/harvester/harvester.toml",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.loadConfig()
			if err != nil {
				return err
			}
			if len(c.Mailboxes) == 0 {
				return fail(exitConfig, fmt.Errorf("%s: %w", c.File, compose.ErrNoMailbox), "add a [[mailbox]]; harvester config example shows one")
			}
			return a.once(cmd.Context(), c, dry, asJSON)
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would happen, change nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line for each job")
	exits(cmd, exitOK, "everything that was due is done", exitUsage, "the command line is wrong",
		exitUnavailable, "no mailbox could be reached", exitCantCreate, "a file or the database can't be written, or mail can't be moved for want of room",
		exitIO, "disk full, or the database is damaged", exitTempFail, "some mailboxes failed, or another harvester is at work",
		exitProtocol, "a server contradicts itself: it holds mail that it doesn't give out, or did not do what it confirmed",
		exitNoPerm, "every login was refused, or a right is missing", exitConfig, "the configuration is wrong: a key, a secret or a folder", exitInterrupted, "interrupted")
	return cmd
}

// once makes a pass, or says what it would do, and sums it up in an exit status.
func (a *app) once(ctx context.Context, c *config.Config, dry, asJSON bool) error {
	var results []ran
	var err error
	if dry {
		results, err = a.dryPass(ctx, c, asJSON)
	} else if results, err = a.pass(ctx, c); err == nil {
		err = a.printPass(results, asJSON)
	}
	if err != nil {
		return err
	}
	return passStatus(results, len(c.Mailboxes))
}

// pass runs every mailbox and then the files that are due.
func (a *app) pass(ctx context.Context, c *config.Config) ([]ran, error) {
	set, err := compose.Open(ctx, c, compose.Options{Owner: "harvester once on " + c.Hostname})
	if err != nil {
		return nil, err
	}
	defer set.Close()
	quiet := slog.New(slog.DiscardHandler)
	do := func(j *schedule.Job) ran {
		detail, err := schedule.Do(ctx, set.DB.Runs, j, quiet)
		return ran{Job: j.Name, OK: err == nil, Due: true, Detail: detail, err: err}
	}
	files := set.Files()
	due := make([]bool, len(files))
	for i := range files { // before the harvests: their last pass can be the basis
		if due[i], err = schedule.Due(ctx, set.DB.Runs, &files[i], time.Now().In(c.Timezone.Location())); err != nil {
			return nil, err
		}
	}
	results := inParallel(set.Harvests(), do)
	for i := range files {
		switch {
		case ctx.Err() != nil:
		case due[i]:
			results = append(results, do(&files[i]))
		default:
			results = append(results, ran{Job: files[i].Name, OK: true, Detail: "not due"})
		}
	}
	if ctx.Err() == nil {
		err = a.warnOfUnproven(ctx, set)
	}
	return results, errors.Join(err, ctx.Err())
}

// warnOfUnproven says that own_domains is wrong or incomplete: nothing else
// tells why the list stays empty.
func (a *app) warnOfUnproven(ctx context.Context, set *compose.Set) error {
	unproven, err := set.DB.Reports.Unproven(ctx)
	if text := unproven.String(); err == nil && text != "" {
		fmt.Fprintf(a.Err, "harvester: %s\n", wrap(text, 67, 11))
	}
	return err
}

// inParallel maps a few at a time and keeps the order.
func inParallel[T any](in []T, f func(*T) ran) []ran {
	out := make([]ran, len(in))
	slots := make(chan struct{}, parallelMailboxes)
	var all sync.WaitGroup
	for i := range in {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			out[i] = f(&in[i])
		})
	}
	all.Wait()
	return out
}

func (a *app) printPass(results []ran, asJSON bool) error {
	enc := json.NewEncoder(a.Out)
	table := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	for _, r := range results {
		if r.err != nil {
			r.Error = r.err.Error()
			a.printError(r.err)
		}
		if asJSON {
			if err := enc.Encode(r); err != nil {
				return err
			}
		} else if r.OK || r.Detail != "" {
			fmt.Fprintf(table, "%s\t%s\n", r.Job, cmp.Or(r.Detail, "done"))
		}
	}
	return table.Flush()
}

// passStatus sums up a pass: the errors were printed already. Mailboxes that all
// failed for one reason have its status.
func passStatus(results []ran, mailboxes int) error {
	files, own, failed := exitOK, exitOK, 0
	of := map[int]bool{}
	for i, r := range results {
		switch {
		case r.err == nil:
		case i >= mailboxes:
			files = max(files, fileStatus(r.err))
		default:
			failed++
			s := mailboxStatus(r.err)
			of[s] = true
			if s == exitIO || s == exitCantCreate && !errors.Is(r.err, harvest.ErrQuota) {
				own = s // not the server's fault
			}
		}
	}
	status := exitUnavailable
	switch {
	case own != exitOK:
		status = own
	case files != exitOK:
		status = files
	case failed == 0:
		return nil
	case failed < mailboxes:
		status = exitTempFail
	case len(of) == 1:
		for s := range of {
			status = s
		}
	case slices.ContainsFunc(results[:mailboxes], func(r ran) bool { return wasRead(r.err) }):
		status = exitTempFail
	}
	return fail(status, errors.New(""), "")
}

// wasRead tells that something of a mailbox was read all the same.
func wasRead(err error) bool {
	var partial *schedule.Partial
	return errors.As(err, &partial)
}

// mailboxStatus is the status for one mailbox that failed.
func mailboxStatus(err error) int {
	if s := statusOf(err); s == exitIO || s == exitCantCreate {
		return s
	}
	for _, kind := range []struct {
		err    error
		status int
	}{
		{harvest.ErrFolder, exitConfig}, {config.ErrSecret, exitConfig}, {harvest.ErrAuth, exitNoPerm}, {harvest.ErrDenied, exitNoPerm},
		{harvest.ErrQuota, exitCantCreate}, {harvest.ErrUndone, exitProtocol}, {harvest.ErrUnaccounted, exitProtocol}, {harvest.ErrUnreadable, exitProtocol},
	} {
		if errors.Is(err, kind.err) {
			return kind.status
		}
	}
	if wasRead(err) {
		return exitTempFail
	}
	return exitUnavailable
}

// fileStatus is the status for a file that could not be written.
func fileStatus(err error) int {
	switch s := statusOf(err); s {
	case exitNoInput, exitSoftware:
		return exitCantCreate
	default:
		return s
	}
}
