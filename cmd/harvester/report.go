package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/store/report"
)

type reportOptions struct {
	date, format      string // no date: the last day, week or month that is complete
	write, send, open bool
	span              report.Span
	show              report.Addresses
	shown             bool // whether show was asked for
}

func newReport(a *app) *cobra.Command {
	var o reportOptions
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Print the report of a day, week or month, or write its files",
		Long: `Prints what happened on a day and what to do about it: by default yesterday, the
last day that is complete; with --span the same of a week or month. With --write
the files of the configured folder are written instead, with --send it goes out
by mail and to the webhook, with --open it opens in a browser.`,
		Example: "  harvester report\n  harvester report --date today --open\n  harvester report --span week\n  harvester report --send\n  harvester report --date 2026-11-03 --format html > report.html",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("date") {
				o.date = ""
			}
			o.shown = cmd.Flags().Changed("addresses")
			return a.report(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.date, "date", "yesterday", "`day`: YYYY-MM-DD, today or yesterday; any day of a week or month")
	cmd.Flags().TextVar(&o.span, "span", report.Day, "day, week or `month`")
	cmd.Flags().BoolVar(&o.open, "open", false, "open it in a browser")
	cmd.Flags().StringVar(&o.format, "format", "text", "text, html or json")
	cmd.Flags().TextVar(&o.show, "addresses", report.Hidden, "how recipients are `shown`: hidden, masked or full")
	cmd.Flags().BoolVar(&o.send, "send", false, "send it by mail and to the webhook, as configured")
	cmd.Flags().BoolVar(&o.write, "write", false, "write the files of the configured folder")
	exits(cmd, exitOK, "the report was printed, written, sent or opened", exitUsage, "the command line is wrong", exitNoInput, "there is no database yet",
		exitCantCreate, "a file can't be written; the previous one stands", exitIO, "disk full, or the database is damaged",
		exitUnavailable, "there is no browser to open it", exitTempFail, "it can't be sent", exitConfig, "the configuration is wrong")
	return cmd
}

// report prints, writes, sends or opens a report.
func (a *app) report(ctx context.Context, o reportOptions) error {
	if o.format != "text" && o.format != "html" && o.format != "json" {
		return fail(exitUsage, fmt.Errorf("unknown format %q", o.format), "one of text, html, json")
	}
	return a.with(ctx, true, func(set *compose.Set) error {
		day, err := set.Last(o.span, time.Now()), error(nil)
		if o.date != "" {
			day, err = dayOf(o.date, set.Config.Timezone.Location())
		}
		if err == nil && !begun(day, time.Now()) {
			err = fail(exitUsage, fmt.Errorf("--date %s is still to come", o.date), "name a day that has begun")
		}
		if err != nil {
			return err
		}
		if !o.shown && (o.write || o.send) {
			o.show = set.Config.Report.Addresses
		}
		r, err := set.Report(ctx, o.span, day, o.show)
		if err != nil {
			return err
		}
		if o.send {
			if set.Config.Report.Mail.Server == "" && set.Config.Report.Webhook.URL.IsZero() {
				return fail(exitConfig, fmt.Errorf("%s: neither report.mail nor report.webhook is set", set.Config.File), "they say where reports go")
			}
			if err := set.SendReport(ctx, r, 1); err != nil {
				return fail(exitTempFail, err, "")
			}
		}
		if o.write {
			if set.Config.Report.Path == "" {
				return fail(exitConfig, fmt.Errorf("%s: report.path is not set", set.Config.File), "it is the folder of the reports")
			}
			files, err := set.WriteReport(ctx, r)
			for _, f := range files {
				fmt.Fprintln(a.Out, f)
			}
			if err != nil {
				return fail(fileStatus(err), err, "")
			}
			return nil
		}
		switch {
		case o.send:
			return nil
		case o.open:
			return openReport(ctx, r)
		}
		return a.buffered(func(w *bytes.Buffer) error {
			switch o.format {
			case "html":
				return r.HTML(w)
			case "json":
				return r.JSON(w)
			}
			return r.Text(w)
		})
	})
}

// dayOf reads a day as people say it.
func dayOf(text string, zone *time.Location) (time.Time, error) {
	now := time.Now().In(zone)
	switch text {
	case "today":
		return now, nil
	case "yesterday":
		return now.AddDate(0, 0, -1), nil
	}
	day, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return day, fail(exitUsage, fmt.Errorf("%q is not a day", text), "write YYYY-MM-DD, today or yesterday")
	}
	return day.Add(12 * time.Hour), nil // noon is in every day, whatever the clocks do
}

// begun tells whether a day has begun where its location is, given any instant
// of it.
func begun(day, now time.Time) bool {
	return day.Format(time.DateOnly) <= now.In(day.Location()).Format(time.DateOnly)
}

// openReport writes the HTML form to a temporary file that only this user can
// read and hands it to a browser, which needs it after this program has ended.
func openReport(ctx context.Context, r *report.Report) error {
	f, err := os.CreateTemp("", "harvester-report-"+r.Date+"-*.html")
	if err != nil {
		return fail(exitCantCreate, err, "")
	}
	if err := errors.Join(r.HTML(f), f.Close()); err != nil {
		return fail(exitCantCreate, err, "")
	}
	opener := []string{"xdg-open"}
	switch b := os.Getenv("BROWSER"); {
	case b != "":
		opener = strings.Fields(b)
	case runtime.GOOS == "darwin":
		opener = []string{"open"}
	}
	out, err := exec.CommandContext(ctx, opener[0], append(opener[1:], f.Name())...).CombinedOutput() //nolint:gosec // the user's own browser
	if err != nil {
		return fail(exitUnavailable, fmt.Errorf("opening %s with %s: %w %s", f.Name(), opener[0], err, strings.TrimSpace(printable(string(out)))),
			"set BROWSER to a program that opens it, or use --format html")
	}
	return nil
}
