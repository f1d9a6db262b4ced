package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/parse/count"
	"harvester/parse/table"
	"harvester/schedule/sentlog"
	"harvester/store/facts"
	"harvester/store/judge"
)

func newVolume(a *app) *cobra.Command {
	return parent(&cobra.Command{
		Use:     "volume",
		Short:   "Record and show how much was sent, for the rates",
		Example: "  harvester volume import sent.csv\n  harvester volume list",
	}, newVolumeImport(a), newVolumeList(a))
}

type importVolumeOptions struct {
	json           bool
	stream, source string
}

func newVolumeImport(a *app) *cobra.Command {
	var o importVolumeOptions
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Record how many recipients were sent to on each day",
		Long: `Reads counts by day and stream: CSV or JSON lines with date, sent and perhaps
stream, or the statistics of SES, SendGrid, Postmark, Mailgun or SparkPost as
their interfaces answer (what is known of those stands on their documentation;
look at what was recorded). A compressed file is read as it is.

A count replaces what was recorded before for its day, stream and source, so
that a file can be imported as often as it grows. Different sources are added
up; the send ledger counts only where there is no other. When a line is wrong,
nothing of the file is recorded.`,
		Example: "  harvester volume import sent.csv\n  aws ses get-send-statistics | harvester volume import - --source ses --stream newsletter",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.importVolume(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().StringVar(&o.stream, "stream", "", "the `stream` of lines that name none")
	cmd.Flags().StringVar(&o.source, "source", "", "who counted, a `name` (default: that of the file)")
	exits(cmd, exitOK, "the counts are recorded", exitUsage, "the command line is wrong", exitData, "the file is wrong: nothing is recorded",
		exitNoInput, "FILE does not exist or is not readable", exitCantCreate, "the database or a pause signal can't be written", exitConfig, "the configuration is wrong")
	return cmd
}

// importVolume records the counts of a file.
func (a *app) importVolume(ctx context.Context, file string, o importVolumeOptions) error {
	in, name, err := a.openInput(file)
	if err != nil {
		return err
	}
	defer in.Close()
	counts, err := sentlog.Counts(in)
	if err != nil {
		return fail(exitData, named(name, err), "")
	}
	if o.source == "" {
		o.source = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	}
	return a.with(ctx, false, func(set *compose.Set) error {
		rows, err := countsOf(counts, o.stream, o.source, set.Config.StreamNames())
		if err != nil {
			return fail(exitData, named(name, err), "a stream is a [stream.NAME] of the configuration; --stream NAME is for lines without one")
		}
		if err := set.DB.Volumes.RecordCounts(ctx, rows); err != nil {
			return err
		}
		if _, err := set.UpdateRates(ctx); err != nil {
			return err
		}
		sent := 0
		for _, r := range rows {
			sent += r.Sent
		}
		if o.json {
			return json.NewEncoder(a.Out).Encode(map[string]any{"source": o.source, "counts": len(rows), "sent": sent})
		}
		_, err = fmt.Fprintf(a.Out, "%s of %s, %s sent to\n", count.Of(len(rows), "count"), o.source, count.Of(sent, "recipient"))
		return err
	})
}

// countsOf gives counts their stream and source, and refuses unknown streams.
func countsOf(counts []sentlog.Count, stream, source string, streams []string) (out []facts.Count, err error) {
	var errs []error
	for _, c := range counts {
		if c.Stream == "" {
			c.Stream = stream
		}
		if err := knownStream(c.Stream, streams); err != nil {
			if c.Line > 0 {
				err = &sentlog.LineError{Line: c.Line, Err: err}
			}
			errs = append(errs, err)
			continue
		}
		if c.Stream == judge.AllStreams {
			c.Stream = ""
		}
		out = append(out, facts.Count{Day: c.Day, Stream: c.Stream, Source: source, Sent: c.Sent})
	}
	return out, errors.Join(errs...)
}

// knownStream refuses a stream that no rate would count.
func knownStream(name string, streams []string) error {
	switch {
	case len(streams) == 0, slices.Contains(streams, name):
		return nil
	case name == "":
		return errors.New("it names no stream")
	}
	return fmt.Errorf("there is no stream %q", name)
}

// openInput opens a file, or standard input for "-", and undoes compression, byte
// order marks and UTF-16.
func (a *app) openInput(path string) (io.ReadCloser, string, error) {
	var in io.ReadCloser = io.NopCloser(a.In)
	name := "standard input"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, path, fail(exitNoInput, err, "")
		}
		in, name = f, path
	}
	r, err := sentlog.Decompress(in)
	if err != nil {
		return nil, name, errors.Join(fail(exitData, named(name, err), ""), in.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{table.Text(r), in}, name, nil
}

// named puts the name of a file before each of several errors.
func named(name string, err error) error {
	var out []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		out = append(out, fmt.Errorf("%s: %s", name, line))
	}
	return errors.Join(out...)
}

func newVolumeList(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "Print what is recorded of the last two weeks, by day, stream and source",
		Example: "  harvester volume list --json",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				counts, err := set.DB.Volumes.Counts(cmd.Context(), time.Now().AddDate(0, 0, -14))
				if err != nil {
					return err
				}
				enc, w := json.NewEncoder(a.Out), tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
				if !asJSON {
					fmt.Fprintln(w, "DAY\tSTREAM\tSOURCE\tSENT")
				}
				for _, c := range counts {
					if !asJSON {
						fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", c.Day.Format(time.DateOnly), dash(c.Stream), c.Source, c.Sent)
					} else if err := enc.Encode(c); err != nil {
						return err
					}
				}
				return w.Flush()
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	exits(cmd, exitOK, "the counts were printed", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
