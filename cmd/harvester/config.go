package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/parse/count"
	"harvester/schedule"
	"harvester/store/job"
)

func newConfig(a *app) *cobra.Command {
	return parent(&cobra.Command{Use: "config", Short: "Check the configuration, or print an example"},
		newConfigCheck(a), newConfigExample(a), newConfigAdopt(a))
}

func newConfigAdopt(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "adopt",
		Short: "Have all workers of a PostgreSQL database judge by this configuration",
		Long: `Where several workers share a database, all that decides must be the same in
their configurations: own_domains, policy, streams, keys, rules. A worker whose
configuration differs harvests and does not judge. This makes the configuration
the one that counts; history is decided anew by the next worker that has it. A
reload of a worker whose configuration was changed does the same.`,
		Example: "  harvester config adopt --config /etc/harvester/harvester.toml",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.judging(cmd.Context(), func(set *compose.Set) error {
				if set.Fingerprints() == nil {
					return fail(exitUsage, errors.New("the database is a file, and its one process judges by its own configuration"), "")
				}
				if err := set.Adopt(cmd.Context()); err != nil {
					return err
				}
				_, err := fmt.Fprintf(a.Out, "%s is what all workers judge by; those whose configuration differs stop judging within seconds\n", set.Config.File)
				return err
			})
		},
	}
	exits(cmd, exitOK, "it is the one that counts", exitUsage, "the database is a file", exitTempFail, "PostgreSQL can't be reached", exitConfig, "the configuration is wrong")
	return cmd
}

func newConfigExample(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "example",
		Short:   "Print an annotated configuration",
		Long:    "Prints a configuration that explains every key and shows its default.",
		Example: "  harvester config example > harvester.toml",
		Args:    args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(a.Out, config.Example)
			return err
		},
	}
	exits(cmd, exitOK, "the example was printed")
	return cmd
}

// checked is what `config check --json` prints.
type checked struct {
	File   string       `json:"file"`
	OK     bool         `json:"ok"`
	Errors []finding    `json:"errors"`
	Jobs   []checkedJob `json:"jobs"`
}

type finding struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Key     string `json:"key"`
	Problem string `json:"problem"`
	Hint    string `json:"hint"`
}

type checkedJob struct {
	Job      job.Name    `json:"job"`
	Schedule string      `json:"schedule"`
	Next     []time.Time `json:"next"`
}

type checkOptions struct{ json, quiet, online, noSecrets bool }

func newConfigCheck(a *app) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say everything that is wrong with the configuration",
		Long: `Reads the configuration and says everything that is wrong with it at once, as
file:line:column: key: problem. Secrets are looked up and named when missing;
their values are never shown. Rules are read, folders must be writable, and the
clock must not be before this program. Then each job's next runs are listed. With
--online every mailbox is signed in to and its folders are opened, all of them
whatever fails, without reading or changing anything.

The configuration is the first of --config, $HARVESTER_CONFIG, ./harvester.toml
(not under systemd), $XDG_CONFIG_HOME/harvester/harvester.toml and
/etc/harvester/harvester.toml.`,
		Example: "  harvester config check\n  harvester config check --online\n  harvester config check --quiet && systemctl reload harvester",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.check(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&o.online, "online", false, "sign in to every mailbox and open its folders, too; nothing is read or changed")
	cmd.Flags().BoolVar(&o.noSecrets, "no-secrets", false, "look up no secrets, as for a reload that leaves them as they are")
	cmd.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "print errors only")
	exits(cmd, exitOK, "the configuration is right", exitConfig, "it is not, or can't be read")
	return cmd
}

// check prints everything that is wrong with the configuration, and what it makes run.
func (a *app) check(ctx context.Context, o checkOptions) error {
	path, err := a.findConfig()
	if err != nil {
		return err
	}
	c, err := config.Load(path)
	var wrong config.Errors
	if err != nil && !errors.As(err, &wrong) {
		return fail(exitConfig, err, "--config FILE names another configuration")
	}
	if c != nil {
		if wrong = surroundings(ctx, c, !o.noSecrets); len(c.Mailboxes) == 0 {
			wrong = append(wrong, &config.Error{File: c.File, Key: "mailbox", Problem: compose.ErrNoMailbox.Error() + ": harvester run and once would refuse it", Hint: "add a [[mailbox]]"})
		}
	}
	var found []compose.Probed
	if c != nil && o.online {
		found = compose.Probe(ctx, c)
		wrong = append(wrong, offline(c, found)...)
	}
	switch {
	case o.json:
		if err := json.NewEncoder(a.Out).Encode(checkedOf(path, c, wrong)); err != nil || len(wrong) == 0 {
			return err
		}
		return fail(exitConfig, errors.New(""), "")
	case len(wrong) > 0:
		return wrong
	case o.quiet:
		return nil
	}
	printProbed(a.Out, found)
	if err := printJobs(a.Out, c); err != nil {
		return err
	}
	return a.printLevels(ctx, c)
}

// offline tells which mailboxes can't be used.
func offline(c *config.Config, found []compose.Probed) config.Errors {
	var wrong config.Errors
	for _, p := range found {
		if p.Err == nil {
			continue
		}
		for line := range strings.Lines(p.Err.Error()) {
			wrong = append(wrong, &config.Error{File: c.File, Key: fmt.Sprintf("mailbox %q", p.Mailbox), Problem: strings.TrimPrefix(strings.TrimSpace(line), "mailbox "+p.Mailbox+": ")})
		}
	}
	return wrong
}

func printProbed(w io.Writer, found []compose.Probed) {
	for _, p := range found {
		for _, f := range p.Folders {
			fmt.Fprintf(w, "mailbox %s: %s opens and holds %s\n", p.Mailbox, f.Name, count.Of(f.Messages, "message"))
		}
		for _, less := range p.Less {
			fmt.Fprintf(w, "mailbox %s: %s\n", p.Mailbox, less)
		}
		switch {
		case len(p.Offers) > 0:
			fmt.Fprintf(w, "mailbox %s: the server offers %s\n", p.Mailbox, strings.Join(p.Offers, ", "))
		case p.Offers != nil:
			fmt.Fprintf(w, "mailbox %s: the server offers neither IDLE nor MOVE nor UIDPLUS\n", p.Mailbox)
		}
	}
}

// jobsOf lists what runs when.
func jobsOf(c *config.Config) []checkedJob {
	now := time.Now().In(c.Timezone.Location())
	jobs := []checkedJob{}
	add := func(name job.Name, spec schedule.Spec) {
		j := checkedJob{Job: name, Schedule: spec.String()}
		for t := spec.Next(now); len(j.Next) < 5; t = spec.Next(t) {
			j.Next = append(j.Next, t)
		}
		jobs = append(jobs, j)
	}
	for _, m := range c.Mailboxes {
		add(job.Harvest.Of(string(m.Name)), m.Schedule)
	}
	for _, name := range c.SentNames() {
		add(job.Ledger.Of(name), c.Sent[name].When())
	}
	for _, e := range c.Exports {
		add(job.Export.Of(string(e.Name)), e.Schedule)
	}
	for _, p := range c.Pushes {
		add(job.Push.Of(string(p.Name)), p.Schedule)
	}
	if c.Report.Path != "" {
		add(job.Report.Alone(), c.Report.Schedule)
	}
	return jobs
}

func checkedOf(path string, c *config.Config, wrong config.Errors) checked {
	out := checked{File: path, OK: len(wrong) == 0, Errors: []finding{}, Jobs: []checkedJob{}}
	for _, e := range wrong {
		out.Errors = append(out.Errors, finding{e.Line, e.Col, e.Key, e.Problem, e.Hint})
	}
	if c != nil {
		out.Jobs = jobsOf(c)
	}
	return out
}

func printJobs(w io.Writer, c *config.Config) error {
	fmt.Fprintf(w, "%s is right. Next runs (%s):\n", c.File, c.Timezone.Location())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, j := range jobsOf(c) {
		fmt.Fprintf(t, "  %s\t%s", j.Job, j.Schedule)
		for i, next := range j.Next {
			layout := "\t15:04"
			if i == 0 || next.YearDay() != j.Next[i-1].YearDay() {
				layout = "\tMon 02 Jan 15:04"
			}
			if i < 3 {
				fmt.Fprint(t, next.Format(layout))
			}
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}
