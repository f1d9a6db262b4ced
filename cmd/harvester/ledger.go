package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/parse/count"
	"harvester/schedule/sentlog"
)

func newLedger(a *app) *cobra.Command {
	return parent(&cobra.Command{
		Use:     "ledger",
		Short:   "Record what was sent, which proves that failures are yours",
		Example: "  harvester ledger import sent.jsonl\n  harvester ledger import --format postfix /var/log/mail.log.2.gz",
	}, newLedgerImport(a))
}

// ledgerErrors is how many broken lines are named.
const ledgerErrors = 20

type importLedgerOptions struct {
	json           bool
	format, stream string
}

func newLedgerImport(a *app) *cobra.Command {
	var o importLedgerOptions
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Record who was sent what, from a ledger or a mail server's log",
		Long: `Reads one mail to one recipient a line, and raises the proof of failures that
came in before. Rows are kept for 45 days; those that are recorded already
change nothing. A compressed file is read as it is. The formats:

  csv       a header names message_id and recipient, and perhaps at, stream,
            sender; docs/ledger.md describes them
  jsonl     JSON objects with these names
  postfix, exim, sendmail    what these log; other lines are passed over
  powermta  accounting files (CSV)

When a line of csv or jsonl is wrong, nothing of the file is recorded. A log
that grows is followed by the daemon instead: [sent.NAME] of the configuration.`,
		Example: "  harvester ledger import sent.csv\n  zcat mail.log.*.gz | harvester ledger import --format postfix -",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.importLedger(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().StringVar(&o.format, "format", "", "`format` of the file (default: csv or jsonl, by its first character)")
	cmd.Flags().StringVar(&o.stream, "stream", "", "the `stream` of all mail in the file that names none")
	exits(cmd, exitOK, "everything is recorded", exitUsage, "the command line is wrong", exitData, "the file is wrong: nothing is recorded",
		exitNoInput, "FILE does not exist or is not readable", exitCantCreate, "the database or a pause signal can't be written", exitConfig, "the configuration or a key is wrong")
	return cmd
}

// importLedger records the mails of a file.
func (a *app) importLedger(ctx context.Context, file string, o importLedgerOptions) error {
	if o.format != "" && !slices.Contains(sentlog.Formats, o.format) {
		return fail(exitUsage, fmt.Errorf("there is no format %q", o.format), "one of "+strings.Join(sentlog.Formats, ", "))
	}
	return a.judging(ctx, func(set *compose.Set) error {
		if o.stream != "" && !slices.Contains(set.Config.StreamNames(), o.stream) {
			return noSuchStream(o.stream, set.Config.StreamNames())
		}
		in, name, err := a.spooled(file)
		if err != nil {
			return err
		}
		defer in.Close()
		now := time.Now().In(set.Config.Timezone.Location())
		if o.format, err = formatOf(in, o.format); err != nil {
			return fail(exitData, named(name, err), "--format FORMAT says which it is; harvester ledger import --help lists them")
		}
		if err := checkLedger(in, o.format, now, set.Config.StreamNames()); err != nil {
			return fail(exitData, named(name, err), "nothing was recorded")
		}
		p, err := sentlog.New(o.format, now)
		if err != nil {
			return err
		}
		read, proven, err := set.DB.Judge.RecordSent(ctx, compose.SentRows(sentlog.Rows(in, p), o.stream))
		if err != nil {
			return err
		}
		if _, err := set.UpdateRates(ctx); err != nil {
			return err
		}
		if o.json {
			return json.NewEncoder(a.Out).Encode(map[string]int{"read": read, "proven": proven})
		}
		_, err = fmt.Fprintf(a.Out, "%s read, %s proven\n", count.Of(read, "recipient"), count.Of(proven, "failure"))
		return err
	})
}

// spooled copies the input, uncompressed, to a file that is gone when it is
// closed: it is read twice, so that nothing is recorded of a broken one.
func (a *app) spooled(path string) (*os.File, string, error) {
	in, name, err := a.openInput(path)
	if err != nil {
		return nil, name, err
	}
	defer in.Close()
	spool, err := os.CreateTemp("", "harvester-spool-")
	if err != nil {
		return nil, name, fmt.Errorf("copying %s: %w", name, err)
	}
	err = os.Remove(spool.Name()) // the open file stays readable
	if err == nil {
		_, err = io.Copy(spool, in)
	}
	if err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, name, errors.Join(fmt.Errorf("copying %s: %w", name, err), spool.Close())
	}
	return spool, name, nil
}

// formatOf tells CSV from JSON lines where no format is given.
func formatOf(in *os.File, format string) (string, error) {
	if format != "" {
		return format, nil
	}
	head := make([]byte, 512)
	n, err := in.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	switch text := strings.TrimSpace(strings.TrimPrefix(string(head[:n]), "\ufeff")); {
	case text == "":
		return "", errors.New("the file is empty")
	case text[0] == '{':
		return "jsonl", nil
	case strings.Contains(strings.ToLower(strings.SplitN(text, "\n", 2)[0]), "recipient"):
		return "csv", nil
	}
	return "", errors.New("neither JSON lines nor CSV with a header")
}

// checkLedger reads a ledger to its end and back. Logs have no broken lines.
func checkLedger(in *os.File, format string, now time.Time, streams []string) error {
	p, err := sentlog.New(format, now)
	if err != nil || p.Open() != nil {
		return err
	}
	_, err = compose.CheckRows(sentlog.Rows(in, p), func(s string) error { return knownStream(s, streams) }, ledgerErrors)
	if err != nil {
		return err
	}
	_, err = in.Seek(0, io.SeekStart)
	return err
}
