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
	"harvester/schedule"
	"harvester/store/job"
)

func newImport(a *app) *cobra.Command {
	var asJSON bool
	var mailbox string
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
			ctx := cmd.Context()
			err := a.judging(ctx, func(set *compose.Set) error {
				if slices.ContainsFunc(set.Config.Mailboxes, func(m config.Mailbox) bool { return string(m.Name) == mailbox && m.Holds == config.HoldsSent }) {
					return fail(exitUsage, fmt.Errorf("mailbox %s holds what was sent", mailbox), "what comes back is imported under another name; copies are read by harvester once")
				}
				var missing bool
				var cut error // what broke standard input
				p := a.progress(ctx, "messages", paths)
				defer p.end()
				failed := func(path string, err error) {
					if errors.Is(err, file.ErrNotMail) && !slices.Contains(paths, path) {
						return
					}
					if path == stdinPath && !errors.Is(err, file.ErrNotMail) {
						cut = err
						return
					}
					missing = missing || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
					p.clear()
					a.printError(err)
				}
				started := time.Now()
				run, err := set.DB.Runs.BeginRun(ctx, job.Import.Alone())
				if err != nil {
					return err
				}
				tally, err := schedule.Import(ctx, set.DB, mailbox, file.Walk(ctx, paths, file.Options{Stdin: a.In}), set.Parsing(),
					func(t schedule.Tally) { p.set(t.Read, t.Bytes) }, failed)
				p.clear()
				if ended := set.DB.Runs.EndRun(context.WithoutCancel(ctx), run, tally.String(), err); err == nil {
					err = ended
				}
				if err != nil {
					return err
				}
				if tally.Read == 0 {
					err = nil
				} else if asJSON {
					err = json.NewEncoder(a.Out).Encode(importedOf(tally, time.Since(started)))
				} else {
					_, err = fmt.Fprintf(a.Out, "%s; %.0f messages/s\n", tally, tally.Rate(started))
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
				}
				return nil
			})
			if slices.Contains(paths, stdinPath) {
				return retry(err)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&mailbox, "mailbox", "import", "`name` under which the mails are stored")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "every mail is stored", exitUsage, "the command line is wrong", exitData, "there was no mail to import",
		exitNoInput, "a PATH does not exist or is not readable", exitCantCreate, "the database can't be written",
		exitIO, "disk full, or the database is damaged", exitTempFail, "the database is locked; or standard input could not be stored", exitConfig, "the configuration is wrong", exitInterrupted, "interrupted; repeat it")
	return cmd
}

const stdinPath = "-"

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
