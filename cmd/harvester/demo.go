package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/cmd/harvester/daemon"
	"harvester/harvest/imap/memserver"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/schedule"
	"harvester/store/policy"
	"harvester/store/query"
	"harvester/store/report"
)

const (
	demoUser     = "bounces@example.org"
	demoPassword = "demo"

	demoToken = "demonstration-of-harvester"

	demoRows        = 6 // kinds and reasons that are shown
	demoCausesShown = 4
)

//go:embed demo.toml
var demoConfig string

func newDemo(a *app) *cobra.Command {
	var keep string
	var serve bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See all of it at work on sample mails; needs nothing",
		Long: `Starts an IMAP server in this process, fills it with a month of sample mails (an
outage and a fault that was mended among them), harvests it over a real
connection into a temporary database, and prints what came of it.

With --serve the status page of that database is shown on a port of this machine
until you press Ctrl-C. Nothing is left behind; --keep leaves the files, so that
every other command can be tried on them.`,
		Example: "  harvester demo\n  harvester demo --serve\n  harvester demo --keep ./demo && harvester status --config demo/harvester.toml",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := demoDir(keep)
			if err != nil {
				return err
			}
			if keep == "" {
				defer os.RemoveAll(dir)
			}
			return a.demo(cmd.Context(), dir, keep, serve)
		},
	}
	cmd.Flags().StringVar(&keep, "keep", "", "leave database, files and configuration in this `folder`")
	cmd.Flags().BoolVar(&serve, "serve", false, "show the status page on a port of this machine")
	exits(cmd, exitOK, "the demonstration ran", exitUsage, "the command line is wrong", exitCantCreate, "the folder can't be written, or is not empty")
	return cmd
}

// demoDir is the folder to work in: the one asked for, if it is empty or can be
// made, else a temporary one.
func demoDir(keep string) (string, error) {
	if keep == "" {
		return os.MkdirTemp("", "harvester-demo-")
	}
	entries, err := os.ReadDir(keep)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = os.MkdirAll(keep, 0o755)
	case err == nil && len(entries) > 0:
		err = fmt.Errorf("%s is not empty", keep)
	}
	if err != nil {
		return "", fail(exitCantCreate, err, "--keep wants a new or an empty folder")
	}
	return filepath.Abs(keep)
}

// demo runs the demonstration in dir.
func (a *app) demo(ctx context.Context, dir, keep string, serve bool) error {
	server, err := memserver.Start(demoUser, demoPassword)
	if err != nil {
		return fmt.Errorf("starting the demonstration's server: %w", err)
	}
	defer server.Close()
	now := time.Now()
	mails, err := demoMails(now)
	if err != nil {
		return err
	}
	page, err := demoPage(ctx, serve)
	if err != nil {
		return err
	}
	clock := &demoClock{}
	clock.set(mails[0].at)
	set, err := demoSet(ctx, dir, server.Addr, page, clock)
	if err != nil {
		return err
	}
	err = a.demoHarvest(ctx, set, server, clock, now, demoRun{addr: server.Addr, mails: mails, keep: keep, page: page})
	if err = errors.Join(err, set.Close()); err != nil || page == "" {
		return err
	}
	file := filepath.Join(dir, "harvester.toml")
	return daemon.Run(ctx, daemon.Options{Load: func() (*config.Config, error) { return config.Load(file) }, Version: readBuild().Version, Log: set.Log})
}

// demoClock is the clock of the demonstration's database: it stands at the
// evening of each day of the month, until it goes on as the system's.
type demoClock struct{ at atomic.Pointer[time.Time] }

func (c *demoClock) set(t time.Time) { c.at.Store(&t) }
func (c *demoClock) run()            { c.at.Store(nil) }

func (c *demoClock) now() time.Time {
	if t := c.at.Load(); t != nil {
		return *t
	}
	return time.Now()
}

// demoMonth harvests the days of the month but the last, each in its evening, as
// a daemon would have: what is new, held, or mended by now became so in its time.
// It counts the kinds, and delivers the mails of today.
func demoMonth(ctx context.Context, set *compose.Set, server *memserver.Server, clock *demoClock, now time.Time, mails []demoMail, kinds map[bounce.Kind]int) error {
	box := set.Mailbox(&set.Config.Mailboxes[0], false)
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	for ago := demoDays; ago >= 0; ago-- {
		var day []demoMail
		if day, mails = mailsBefore(mails, midnight.AddDate(0, 0, -ago)); len(day) == 0 {
			continue
		}
		if err := deliverMails(server, day); err != nil {
			return err
		}
		clock.set(midnight.AddDate(0, 0, -ago).Add(-time.Minute))
		if _, err := set.DB.Judge.Refresh(ctx); err != nil {
			return err
		}
		tally, err := box.Run(ctx)
		if err != nil {
			return err
		}
		for k, n := range tally.Kinds {
			kinds[k] += n
		}
	}
	clock.run()
	return deliverMails(server, mails)
}

// demoHarvest harvests day by day, writes what a day's work writes, and prints
// what came of it.
func (a *app) demoHarvest(ctx context.Context, set *compose.Set, server *memserver.Server, clock *demoClock, now time.Time, run demoRun) error {
	kinds := map[bounce.Kind]int{}
	if err := demoMonth(ctx, set, server, clock, now, run.mails, kinds); err != nil {
		return err
	}
	harvest := set.Harvests()[0]
	box := set.Mailbox(&set.Config.Mailboxes[0], false)
	harvest.Run = func(ctx context.Context) (string, error) {
		tally, err := box.Run(ctx)
		for k, n := range tally.Kinds {
			kinds[k] += n
		}
		return tally.String(), err
	}
	if _, err := schedule.Do(ctx, set.DB.Runs, &harvest, set.Log); err != nil {
		return err
	}
	run.took = time.Since(now)
	for _, e := range set.Files()[:1] {
		if _, err := schedule.Do(ctx, set.DB.Runs, &e, set.Log); err != nil {
			return err
		}
	}
	for day := range demoReports {
		r, err := set.Report(ctx, report.Day, now.AddDate(0, 0, -day), report.Full)
		if err != nil {
			return err
		}
		if _, err := set.WriteReport(ctx, r); err != nil {
			return fail(exitCantCreate, err, "")
		}
	}
	return a.printDemo(ctx, set, kinds, run)
}

// demoReports is of how many days the reports are written.
const demoReports = 3

// demoPage is where the page is served, "" where nobody asked for it: a port
// that nobody else listens on.
func demoPage(ctx context.Context, serve bool) (string, error) {
	if !serve {
		return "", nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// demoSet writes the configuration and opens it as any other command does.
func demoSet(ctx context.Context, dir, addr, page string, clock *demoClock) (*compose.Set, error) {
	text := strings.ReplaceAll(demoConfig, "SERVER", addr)
	if page != "" {
		text += fmt.Sprintf("\n[web]\nlisten = %q\ntoken = \"file:token\"\nactions = true\n", page)
	}
	file := filepath.Join(dir, "harvester.toml")
	for _, f := range []struct{ path, content string }{{file, text}, {filepath.Join(dir, "password"), demoPassword + "\n"}, {filepath.Join(dir, "token"), demoToken + "\n"}} {
		if err := os.WriteFile(f.path, []byte(f.content), 0o600); err != nil {
			return nil, fail(exitCantCreate, err, "")
		}
	}
	c, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	return compose.Open(ctx, c, compose.Options{Now: clock.now})
}

// demoRun is what is told beside the facts.
type demoRun struct {
	addr  string
	mails []demoMail
	took  time.Duration
	keep  string
	page  string // where the page is served; "" where it is not
}

var kindWords = map[bounce.Kind]string{
	bounce.KindBounce:      "at least one recipient failed",
	bounce.KindDelay:       "late, not yet failed",
	bounce.KindDelivered:   "reports of success",
	bounce.KindComplaint:   "somebody pressed \"spam\"",
	bounce.KindAutoReply:   "out of office and the like",
	bounce.KindReceipt:     "read receipts",
	bounce.KindUnsubscribe: "asked to be taken off",
	bounce.KindChallenge:   "asks the sender to prove he is human",
	bounce.KindNotice:      "digests, quarantine and DMARC reports",
	bounce.KindNone:        "ordinary mail",
	bounce.KindUnparsed:    "looks like a failure, names nobody",
}

// printDemo tells in about forty lines what came of it.
func (a *app) printDemo(ctx context.Context, set *compose.Set, kinds map[bounce.Kind]int, run demoRun) error {
	return a.buffered(func(b *bytes.Buffer) error {
		c := a.colours(a.Out)
		d := &demoPrinter{page{w: b, zone: set.Config.Timezone.Location()}, c}
		d.line("%s\n", c.bold(fmt.Sprintf("Read %s of %s over IMAP from %s in %.1f s:", count.Of(len(run.mails), "sample mail"), count.Of(demoDays, "day"), run.addr, run.took.Seconds())))
		d.kinds(kinds)
		if err := d.list(ctx, set); err != nil {
			return err
		}
		if err := d.causes(ctx, set); err != nil {
			return err
		}
		d.head("Where to go next")
		d.line("%s", demoNext(run))
		return d.err
	})
}

type demoPrinter struct {
	page
	c colours
}

func (d *demoPrinter) head(format string, args ...any) {
	d.line("\n%s\n", d.c.bold(fmt.Sprintf(format, args...)))
}

// kinds shows what the mails were, the most first.
func (d *demoPrinter) kinds(n map[bounce.Kind]int) {
	kinds := slices.DeleteFunc(bounce.Kinds(), func(k bounce.Kind) bool { return n[k] == 0 })
	slices.SortStableFunc(kinds, func(a, b bounce.Kind) int { return cmp.Compare(n[b], n[a]) })
	shown := inRows(len(kinds))
	for _, k := range kinds[:shown] {
		d.line("  %4d  %-12s %s", n[k], k, kindWords[k])
	}
	others := 0
	for _, k := range kinds[shown:] {
		others += n[k]
	}
	d.others(others, "kind", len(kinds)-shown)
}

// inRows is how many of n are shown where each has a row, and what is left over
// one more.
func inRows(n int) int {
	if n <= demoRows {
		return n
	}
	return demoRows - 1
}

// others tells what has no row of its own.
func (d *demoPrinter) others(n int, thing string, of int) {
	if n > 0 {
		d.line("  %4d  of %s", n, count.Of(of, "other "+thing))
	}
}

// list shows the list by reason, the most frequent first, with an address of
// each.
func (d *demoPrinter) list(ctx context.Context, set *compose.Set) error {
	byReason, n, held := map[string][]query.Suppression{}, 0, 0
	for s, err := range set.DB.List.Suppressions(ctx, query.Filter{Held: true}) {
		if err != nil {
			return err
		}
		if s.State == policy.HeldBack {
			held++
			continue
		}
		byReason[s.Reason] = append(byReason[s.Reason], s)
		n++
	}
	d.head("On the suppression list: %s that must not be mailed again", count.Of(n, "address"))
	reasons := slices.SortedFunc(maps.Keys(byReason), func(x, y string) int {
		return cmp.Or(cmp.Compare(len(byReason[y]), len(byReason[x])), cmp.Compare(x, y))
	})
	shown, others := inRows(len(reasons)), n
	for _, reason := range reasons[:shown] {
		others -= len(byReason[reason])
		s := byReason[reason][0]
		until := "for good"
		if !s.Expires.IsZero() {
			until = "until " + d.day(s.Expires)
		}
		d.line("  %4d  %-17s %s, %s", len(byReason[reason]), reason, shortened(printable(s.Address), 32), until)
	}
	d.others(others, "reason", len(reasons)-shown)
	if held > 0 {
		d.line("\n  %s", wrap(fmt.Sprintf("%s held back: so many failures at once at one receiver look like an outage there. A later failure confirms them, or they lapse.",
			count.Number(held)+" more "+count.Verb(held, "is", "are")), 76, 2))
	}
	return nil
}

// causes tells what the sender has to mend, and what he has mended.
func (d *demoPrinter) causes(ctx context.Context, set *compose.Set) error {
	incidents, err := set.DB.Incidents.Incidents(ctx, time.Time{})
	if err != nil {
		return err
	}
	open := slices.DeleteFunc(slices.Clone(incidents), func(in query.Incident) bool { return !in.Closed.IsZero() })
	slices.SortStableFunc(open, func(a, b query.Incident) int { return cmp.Compare(b.Count, a.Count) })
	d.head("Yours to mend: %s open, and nobody is listed for them", count.Of(len(open), "incident"))
	for _, in := range open[:min(len(open), demoCausesShown)] {
		d.line("  %4d  %s", in.Count, wrap(fmt.Sprintf("%s (%s)", in.Cause.Title, in.ID), 68, 8))
	}
	for _, in := range incidents {
		if in.Domain == demoShop && !in.Closed.IsZero() {
			d.line("\n  %s", wrap(fmt.Sprintf("Mended: %s (%s), %s from %s to %s", in.Cause.Title, in.ID, count.Of(in.Count, "failure"), d.day(in.Opened), d.day(in.LastSeen)), 76, 2))
			break
		}
	}
	return nil
}

// shortened cuts a text to a number of characters.
func shortened(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

func demoNext(run demoRun) string {
	switch {
	case run.page != "":
		return fmt.Sprintf(`  http://%s/    the page; the token is %s
  Ctrl-C ends it`, run.page, demoToken)
	case run.keep == "":
		return `  harvester demo --serve          the status page, in a browser
  harvester demo --keep ./demo    the same, and leaves the files to look at
  harvester parse --why MAIL      understand a mail of yours
  harvester init                  a configuration for your own mailbox`
	}
	// Paths as the operator wrote them, to be copied.
	return strings.NewReplacer("DIR", run.keep).Replace(`  cd DIR
  harvester status                how mailboxes and database stand
  harvester explain ADDRESS       why an address is on the list
  harvester incidents             what is yours to mend, and how
  harvester suppress list         all of the list
  harvester report --date today   today's report; also in report-*.html`)
}
