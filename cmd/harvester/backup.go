package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/parse/count"
	"harvester/store/engine"
)

func newBackup(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a verified copy of the database while it is in use",
		Long: `Writes one moment of the database to FILE, beside a running daemon, and reads
the copy through before it gets its name. An earlier backup of that name is
replaced by a good one only; a file that is something else never is.`,
		Example: "  harvester backup /var/backups/harvester.db",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				b, err := set.DB.Backup(cmd.Context(), args[0])
				switch {
				case errors.Is(err, engine.ErrNotDatabase), errors.Is(err, engine.ErrNewer), errors.Is(err, engine.ErrDirectory):
					return fail(exitCantCreate, err, "name another file")
				case err != nil:
					return fail(fileStatus(err), err, "")
				}
				if asJSON {
					return json.NewEncoder(a.Out).Encode(b)
				}
				_, err = fmt.Fprintf(a.Out, "%s: %s\n", b.Path, holds(&b, set.Config.Timezone.Location()))
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "the backup was written and is good", exitUsage, "the command line is wrong", exitNoInput, "there is no database yet",
		exitCantCreate, "FILE can't be written, or is something else", exitIO, "disk full, or the database is damaged", exitConfig, "the configuration is wrong")
	return cmd
}

// holds is what is in a backup, in words.
func holds(b *engine.Backup, zone *time.Location) string {
	text := fmt.Sprintf("%s, %s, %d on the list, %.1f MB", count.Of(b.Messages, "message"), count.Of(b.Events, "event"), b.Listed, float64(b.Bytes)/1e6)
	if !b.Last.IsZero() {
		text += ", up to " + b.Last.In(zone).Format("2006-01-02 15:04")
	}
	return text
}

func newRestore(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the database",
		Long: `Verifies a backup and makes it the database of the configuration. The daemon
must not run. What was there is put aside under another name and not deleted.
Mail that came in after the backup and is still in the mailbox is read again
and counts once.`,
		Example: "  systemctl stop harvester\n  harvester restore /var/backups/harvester.db\n  systemctl start harvester",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.loadConfig()
			if err != nil {
				return err
			}
			if c.Store.URL != "" {
				return fail(exitUsage, fmt.Errorf("restoring %s: %w", args[0], engine.ErrOwnTools), "pg_restore --clean --if-exists brings back what pg_dump wrote; harvester migrate --from FILE reads a file of SQLite")
			}
			r, err := engine.Restore(cmd.Context(), args[0], c.Store.Path, time.Now())
			switch {
			case errors.Is(err, engine.ErrInUse):
				return fail(exitTempFail, err, "systemctl stop harvester")
			case errors.Is(err, engine.ErrNotDatabase), errors.Is(err, engine.ErrDamaged):
				return fail(exitData, err, "an older backup may be good; nothing was changed")
			case err != nil:
				return err
			case asJSON:
				return json.NewEncoder(a.Out).Encode(r)
			}
			fmt.Fprintf(a.Out, "%s is restored: %s\n", c.Store.Path, holds(&r.Backup, c.Timezone.Location()))
			if r.Aside != "" {
				fmt.Fprintf(a.Out, "what was there is now %s\n", r.Aside)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "the database is restored", exitUsage, "the command line is wrong", exitData, "FILE is no backup, or damaged", exitNoInput, "FILE can't be read",
		exitCantCreate, "the database can't be written", exitTempFail, "the daemon runs", exitConfig, "the configuration is wrong, or the backup is newer than this program")
	return cmd
}

func newVacuum(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "vacuum",
		Short: "Give back the room that removed data left in the database",
		Long: `Writes the database file anew without what is free in it. The daemon does the
same by itself, at night, when a quarter of the file is free; this command is
for a machine without the daemon, and is refused while it runs.`,
		Example: "  harvester vacuum",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.loadConfig()
			if err != nil {
				return err
			}
			set, err := compose.Open(cmd.Context(), c, compose.Options{Owner: "harvester vacuum"})
			if err != nil {
				return err
			}
			defer set.Close()
			before, err := set.DB.Vacuum(cmd.Context())
			if err != nil {
				return err
			}
			after, err := set.DB.Space(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(a.Out).Encode(map[string]engine.Space{"before": before, "after": after})
			}
			_, err = fmt.Fprintf(a.Out, "%s: %.1f MB, before %.1f MB\n", set.DB.Path(), float64(after.Bytes)/1e6, float64(before.Bytes)/1e6)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "the file is compact", exitUsage, "the command line is wrong", exitCantCreate, "the database can't be written",
		exitIO, "disk full, or the database is damaged", exitTempFail, "the daemon runs", exitConfig, "the configuration is wrong")
	return cmd
}
