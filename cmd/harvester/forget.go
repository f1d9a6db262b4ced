package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/parse/count"
)

func newForget(a *app) *cobra.Command {
	var asJSON, yes bool
	cmd := &cobra.Command{
		Use:   "forget ADDRESS",
		Short: "Erase an address from the database, for good",
		Long: `Erases every address, text and original that names ADDRESS. What suppressed it
goes on under a keyed hash, so that it is not mailed again; a hashed export goes
on to carry its digest, any other export drops it. This can't be taken back;
older backups of the database, and what PostgreSQL keeps in its log, are yours to
remove.`,
		Example: "  harvester forget jane@example.net --yes",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				return fail(exitUsage, fmt.Errorf("erasing can't be taken back"), "add --yes")
			}
			return a.with(cmd.Context(), false, func(set *compose.Set) error {
				gone, err := set.Forget(cmd.Context(), args[0], author())
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(a.Out).Encode(gone)
				}
				if set.DB.OnServer() {
					defer fmt.Fprintln(a.Out, "PostgreSQL's log, its archive, standbys that are behind and backups keep the old rows until they are recycled: see docs/fleet.md")
				}
				if gone.Unread > 0 {
					defer fmt.Fprintf(a.Out, "%s can't be read, and may name it: start a worker of the version that handed it in, and forget again\n", count.Of(gone.Unread, "batch"))
				}
				_, err = fmt.Fprintf(a.Out, "erased from %s, %s, %s; %s go on without naming it\n",
					count.Of(gone.Events, "event"), count.Of(gone.Messages, "message"), count.Of(gone.Raws, "original"), count.Of(gone.Tombstones, "suppression"))
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "really")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "nothing names the address any more", exitUsage, "the command line is wrong",
		exitCantCreate, "the database can't be written", exitConfig, "the configuration is wrong")
	return cmd
}
