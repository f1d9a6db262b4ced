package main

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/fixtures"
	"harvester/harvest/imap/memserver"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/schedule"
	"harvester/store/export"
	"harvester/store/policy"
	"harvester/store/query"
	"harvester/store/report"
)

const (
	demoUser     = "bounces@example.org"
	demoPassword = "demo"

	demoRows        = 8 // addresses that are shown of each reason
	demoCausesShown = 8
)

//go:embed demo.toml
var demoConfig string

func newDemo(a *app) *cobra.Command {
	var keep string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See all of it at work on sample mails; needs nothing",
		Long: `Starts an IMAP server in this process, fills it with sample mails, harvests it
over a real connection into a temporary database, and prints what came of it.
Needs nothing and changes nothing; --keep leaves the files behind, so that every
other command can be tried on them.`,
		Example: "  harvester demo\n  harvester demo --keep ./demo && harvester status --config demo/harvester.toml",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := demoDir(keep)
			if err != nil {
				return err
			}
			if keep == "" {
				defer os.RemoveAll(dir)
			}
			return a.demo(cmd.Context(), dir, keep)
		},
	}
	cmd.Flags().StringVar(&keep, "keep", "", "leave database, files and configuration in this `folder`")
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
func (a *app) demo(ctx context.Context, dir, keep string) error {
	server, err := memserver.Start(demoUser, demoPassword)
	if err != nil {
		return fmt.Errorf("starting the demonstration's server: %w", err)
	}
	defer server.Close()
	mails, err := deliverSamples(server)
	if err != nil {
		return err
	}
	set, err := demoSet(ctx, dir, server.Addr)
	if err != nil {
		return err
	}
	defer set.Close()

	started := time.Now()
	harvest := set.Harvests()[0]
	box := set.Mailbox(&set.Config.Mailboxes[0], false)
	var tally schedule.Tally
	harvest.Run = func(ctx context.Context) (string, error) {
		tally, err = box.Run(ctx)
		return tally.String(), err
	}
	quiet := set.Log
	if _, err := schedule.Do(ctx, set.DB.Runs, &harvest, quiet); err != nil {
		return err
	}
	took := time.Since(started)
	for _, e := range set.Files()[:1] {
		if _, err := schedule.Do(ctx, set.DB.Runs, &e, quiet); err != nil {
			return err
		}
	}
	r, err := set.Report(ctx, report.Day, time.Now(), report.Full)
	if err != nil {
		return err
	}
	if err := demoFiles(dir, r); err != nil {
		return err
	}
	return a.printDemo(ctx, set, &tally, r, demoRun{server.Addr, mails, took, keep})
}

// deliverSamples puts every sample mail into the server's INBOX, under the
// trace line that the last server before a mailbox adds (RFC 5321 §4.4): they
// all came in today.
func deliverSamples(server *memserver.Server) (n int, err error) {
	trace := "Received: from mx.example.org by imap.example.org with LMTP; " + time.Now().Format(time.RFC1123Z) + "\r\n"
	err = fs.WalkDir(fixtures.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".eml") {
			return err
		}
		raw, err := fixtures.FS.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		return server.Append("INBOX", append([]byte(trace), raw...))
	})
	if err != nil {
		return n, fmt.Errorf("filling the demonstration's server: %w", err)
	}
	return n, nil
}

// demoSet writes the configuration and opens it as any other command does.
func demoSet(ctx context.Context, dir, addr string) (*compose.Set, error) {
	text := strings.ReplaceAll(demoConfig, "SERVER", addr)
	file := filepath.Join(dir, "harvester.toml")
	for _, f := range []struct{ path, content string }{{file, text}, {filepath.Join(dir, "password"), demoPassword + "\n"}} {
		if err := os.WriteFile(f.path, []byte(f.content), 0o600); err != nil {
			return nil, fail(exitCantCreate, err, "")
		}
	}
	c, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	return openSet(ctx, c, false)
}

func demoFiles(dir string, r *report.Report) error {
	for name, write := range map[string]func(io.Writer) error{"report.txt": r.Text, "report.html": r.HTML, "report.json": r.JSON} {
		if _, err := export.Replace(filepath.Join(dir, name), write); err != nil {
			return fail(exitCantCreate, err, "")
		}
	}
	return nil
}

// demoRun is what is told beside the facts.
type demoRun struct {
	addr  string
	mails int
	took  time.Duration
	keep  string
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

func (a *app) printDemo(ctx context.Context, set *compose.Set, t *schedule.Tally, r *report.Report, run demoRun) error {
	return a.buffered(func(b *bytes.Buffer) error {
		c := a.colours(a.Out)
		head := func(format string, args ...any) { fmt.Fprintf(b, "\n%s\n\n", c.bold(fmt.Sprintf(format, args...))) }

		fmt.Fprintf(b, "%s\n\n", c.bold(fmt.Sprintf("Read %d sample mails over IMAP from %s in %.1f s", run.mails, run.addr, run.took.Seconds())))
		w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
		for _, k := range bounce.Kinds() {
			if n := t.Kinds[k]; n > 0 {
				fmt.Fprintf(w, "  %d\t%s\t%s\n", n, k, kindWords[k])
			}
		}
		w.Flush()

		if err := demoList(ctx, set, b, head); err != nil {
			return err
		}
		demoCauses(r, b, head)
		head("The daily report")
		if err := r.Text(b); err != nil {
			return err
		}
		head("Where to go next")
		b.WriteString(demoNext(run.keep))
		return nil
	})
}

// demoList shows the list by reason, the most frequent first, some addresses
// of each.
func demoList(ctx context.Context, set *compose.Set, b *bytes.Buffer, head func(string, ...any)) error {
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
	head("The suppression list: %s that must not be mailed again", count.Of(n, "address"))
	reasons := slices.SortedFunc(maps.Keys(byReason), func(x, y string) int {
		return cmp.Or(cmp.Compare(len(byReason[y]), len(byReason[x])), cmp.Compare(x, y))
	})
	p := page{zone: set.Config.Timezone.Location()}
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, reason := range reasons {
		rows := byReason[reason]
		for _, s := range rows[:min(len(rows), demoRows)] {
			fmt.Fprintf(w, "  %s\texpires %s\t%s\n", printable(s.Address), p.expiry(s.Expires), reason)
		}
		if more := len(rows) - demoRows; more > 0 {
			fmt.Fprintf(w, "  … and %d more\t\t%s\n", more, reason)
		}
	}
	if err := w.Flush(); err != nil || held == 0 {
		return err
	}
	_, err := fmt.Fprintf(b, "\n  %s\n", wrap(fmt.Sprintf("%d more are held back: so many failures at one receiver at once look like an outage there. "+
		"They come onto the list only if a later failure confirms them.", held), 76, 2))
	return err
}

// demoCauses tells what the sender has to mend, and that nobody is suppressed
// for it.
func demoCauses(r *report.Report, b *bytes.Buffer, head func(string, ...any)) {
	head("Yours to mend: nobody is suppressed for these")
	for _, cause := range r.Causes[:min(len(r.Causes), demoCausesShown)] {
		fmt.Fprintf(b, "  %s\n", wrap(fmt.Sprintf("%s: %d refused by %s", cause.Title, cause.N, strings.Join(cause.Receivers[:min(len(cause.Receivers), 3)], ", ")), 76, 4))
		if len(cause.Steps) > 0 {
			fmt.Fprintf(b, "    fix: %s\n", wrap(cause.Steps[0], 71, 9))
		}
	}
	if more := len(r.Causes) - demoCausesShown; more > 0 {
		fmt.Fprintf(b, "  … and %d more in the report\n", more)
	}
}

func demoNext(keep string) string {
	if keep == "" {
		return `  harvester demo --keep ./demo     the same, and leaves the files to look at
  harvester parse --why MAIL       understand a mail of yours
  harvester config example         a configuration for your own mailbox
`
	}
	// Paths as the operator wrote them, to be copied.
	return strings.NewReplacer("DIR", keep).Replace(`  cd DIR
  harvester status                       how mailboxes and database stand
  harvester explain ADDRESS              why an address is on the list
  harvester suppress list                all of the list
  harvester export                       write suppression.csv again
  harvester report --date today          today's report
  harvester config example               a configuration for your own mailbox
The files: harvester.toml, harvester.db, suppression.csv, report.txt, .html, .json
`)
}
