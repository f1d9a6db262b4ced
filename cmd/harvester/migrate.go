package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/config"
	"harvester/parse/count"
	"harvester/store/engine"
)

func newMigrate(a *app) *cobra.Command {
	var from, to string
	var replace, asJSON bool
	cmd := &cobra.Command{
		Use:   "migrate --to PLACE",
		Short: "Copy the database to PostgreSQL, or back to a file",
		Long: `Copies one moment of the database to another place: the URL of a PostgreSQL
database, or the path of a file. All rows are copied in one transaction, and
each table is read back and compared byte by byte before it is committed. The
source is only read, also beside a running daemon; the target must be empty.
Set [store] in the configuration to the new place afterwards.`,
		Example: `  harvester migrate --to postgres://harvester@db.example.org/harvester
  harvester migrate --from postgres://harvester@db.example.org/harvester --to /var/lib/harvester/harvester.db`,
		Args: args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to == "" {
				return fail(exitUsage, errors.New("where to?"), "--to postgres://user@host/database, or the path of a file")
			}
			c, err := a.loadConfig()
			if err != nil {
				return err
			}
			source := c.Store
			if from != "" {
				source = placeAt(c.Store, from)
			}
			t, err := migrate(cmd.Context(), source, placeAt(c.Store, to), replace)
			switch {
			case errors.Is(err, engine.ErrNotEmpty):
				return fail(exitCantCreate, err, "--replace empties it first")
			case err != nil:
				return err
			case asJSON:
				return json.NewEncoder(a.Out).Encode(t)
			}
			for _, table := range t.Tables {
				fmt.Fprintf(a.Out, "%-16s %9d rows\n", table.Table, table.Rows)
			}
			_, err = fmt.Fprintf(a.Out, "%s: %s, each compared\n", t.To, count.Of(t.Rows, "row"))
			return err
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "copy to this URL or file")
	cmd.Flags().StringVar(&from, "from", "", "copy from this URL or file (default: the database of the configuration)")
	cmd.Flags().BoolVar(&replace, "replace", false, "delete what the target holds")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "everything is there, and was compared", exitUsage, "the command line is wrong", exitNoInput, "there is no database yet",
		exitCantCreate, "the target has rows, or can't be written", exitIO, "disk full, or a database is damaged", exitTempFail, "a daemon works on the target, or PostgreSQL can't be reached",
		exitNoPerm, "PostgreSQL refuses the login", exitConfig, "the configuration is wrong, or a place does not suit")
	return cmd
}

// placeAt is a place of the command line; a URL has the configured password.
func placeAt(s config.Store, at string) config.Store {
	if engine.IsURL(at) {
		return config.Store{URL: at, Password: s.Password}
	}
	return config.Store{Path: at}
}

func migrate(ctx context.Context, from, to config.Store, replace bool) (t engine.Transferred, err error) {
	source, err := from.Place(ctx)
	if err != nil {
		return t, err
	}
	target, err := to.Place(ctx)
	if err != nil {
		return t, err
	}
	src, err := engine.Open(ctx, source, engine.Options{ReadOnly: true})
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	dst, err := engine.Open(ctx, target, engine.Options{Owner: "harvester migrate"})
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	if src.Path() == dst.Path() {
		return t, fail(exitUsage, errors.New("source and target are the same database"), "")
	}
	return engine.Transfer(ctx, src, dst, replace)
}
