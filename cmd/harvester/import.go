package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/harvest/file"
	"harvester/parse/count"
	"harvester/schedule"
	"harvester/store/job"
)

func newImport(a *app) *cobra.Command {
	var o mailImport
	cmd := &cobra.Command{
		Use:   "import PATH...",
		Short: "Back-fill the database from files, as if they had been harvested",
		Long: `Stores the mails of files, directories, Maildirs and mbox files, or of standard
input when PATH is "-". A mail that is stored already counts once, so an import
that was interrupted is simply repeated.

A mail server can deliver into "harvester import -" (docs/mailboxes.md has the
lines for Postfix). What could not be stored from standard input then ends with
the status 75, whatever the reason: the server keeps the mail and tries again.`,
		Example: "  harvester import ~/Maildir/.Bounces\n  zcat bounces-2025.mbox.gz | harvester import -",
		Args:    args(1, -1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			o.paths = paths
			c, err := a.loadConfig()
			if err == nil {
				err = a.importMail(cmd.Context(), c, &o)
			}
			if slices.Contains(paths, stdinPath) && !o.dry {
				return retry(err)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&o.mailbox, "mailbox", "import", "`name` under which the mails are stored")
	cmd.Flags().BoolVar(&o.dry, "dry-run", false, "say what would happen, store nothing")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	exits(cmd, exitOK, "every mail is stored", exitUsage, "the command line is wrong", exitData, "there was no mail to import, or a PATH is none",
		exitNoInput, "a PATH does not exist or is not readable", exitCantCreate, "the database can't be written",
		exitIO, "disk full, or the database is damaged", exitTempFail, "the database is locked; or standard input could not be stored", exitConfig, "the configuration is wrong", exitInterrupted, "interrupted; repeat it")
	return cmd
}

const stdinPath = "-"

// mailImport is one run of import.
type mailImport struct {
	paths     []string
	mailbox   string
	dry, json bool
}

// importMail stores the mails of files, or says what would follow from them.
func (a *app) importMail(ctx context.Context, c *config.Config, o *mailImport) error {
	if slices.ContainsFunc(c.Mailboxes, func(m config.Mailbox) bool { return string(m.Name) == o.mailbox && m.Holds == config.HoldsSent }) {
		return fail(exitUsage, fmt.Errorf("mailbox %s holds what was sent", o.mailbox), "what comes back is imported under another name; copies are read by harvester once")
	}
	if o.dry {
		return a.rehearsing(ctx, c, o.json, func(r *compose.Rehearsal) error {
			return a.importInto(ctx, r.Set, o, func(t schedule.Tally, _ time.Duration) error {
				if o.json {
					return nil
				}
				_, err := fmt.Fprintf(a.Out, "would store %s (%s)\n", count.Of(t.Messages, "message"), kindsText(&t))
				return err
			})
		})
	}
	set, err := compose.Open(ctx, c, compose.Options{Judges: true})
	if err != nil {
		return err
	}
	defer set.Close()
	return a.importInto(ctx, set, o, func(t schedule.Tally, took time.Duration) error {
		if !slices.Contains(o.paths, stdinPath) { // nobody reads what is said to a mail server
			if err := a.warnOfUnproven(ctx, set); err != nil {
				return err
			}
		}
		if o.json {
			return json.NewEncoder(a.Out).Encode(importedOf(t, took))
		}
		_, err := fmt.Fprintf(a.Out, "%s; %.0f messages/s\n", t, float64(t.Read)/max(took.Seconds(), 0.001))
		return err
	})
}

// importInto stores mails in a set's database, and tells what came of them
// unless there were none.
func (a *app) importInto(ctx context.Context, set *compose.Set, o *mailImport, tell func(schedule.Tally, time.Duration) error) error {
	var missing, foreign bool
	var cut error // what broke standard input
	p := a.progress(ctx, "messages", o.paths)
	defer p.end()
	failed := func(path string, err error) {
		if errors.Is(err, file.ErrNotMail) && !slices.Contains(o.paths, path) {
			return
		}
		if path == stdinPath && !errors.Is(err, file.ErrNotMail) {
			cut = err
			return
		}
		foreign = foreign || errors.Is(err, file.ErrNotMail)
		missing = missing || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
		p.clear()
		a.printError(err)
	}
	started := time.Now()
	run, err := set.DB.Runs.BeginRun(ctx, job.Import.Alone())
	if err != nil {
		return err
	}
	tally, err := schedule.Import(ctx, set.DB, o.mailbox, file.Walk(ctx, o.paths, file.Options{Stdin: a.In, Strict: true}), set.Parsing(),
		func(t schedule.Tally) { p.set(t.Read, t.Bytes) }, failed)
	p.clear()
	if ended := set.DB.Runs.EndRun(context.WithoutCancel(ctx), run, tally.String(), err); err == nil {
		err = ended
	}
	if err == nil && tally.Read > 0 {
		err = tell(tally, time.Since(started))
	}
	switch {
	case err != nil:
		return err
	case cut != nil:
		return cut
	case missing:
		return fail(exitNoInput, errors.New(""), "")
	case tally.Read == 0:
		return fail(exitData, errors.New("there is no mail to import"), "PATH is a mail, an mbox, a Maildir or a directory of them; - is standard input")
	case foreign:
		return fail(exitData, errors.New(""), "")
	}
	return nil
}

// retry turns whatever kept a mail from being stored into the status that makes
// a mail server keep it: any other would bounce it, and a bounce has nobody to
// go back to. What is no mail stays what it is.
func retry(err error) error {
	switch {
	case err == nil || statusOf(err) == exitData:
		return err
	case errors.Is(err, context.Canceled):
		err = errors.New("interrupted")
	}
	return fail(exitTempFail, err, hintFor(err))
}

// imported is what `import --json` prints.
type imported struct {
	Read       int     `json:"read"`
	New        int     `json:"new"`
	Known      int     `json:"known"`
	Recipients int     `json:"recipients"`
	Unparsed   int     `json:"unparsed"`
	Added      int     `json:"added"`
	Held       int     `json:"held"`
	Seconds    float64 `json:"seconds"`
}

func importedOf(t schedule.Tally, d time.Duration) imported {
	return imported{t.Read, t.Messages, t.Known, t.Events, t.Unparsed(), t.Added, t.Held, d.Seconds()}
}
