package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/jobs"
	"harvester/store/report"
)

func newReport(a *app) *cobra.Command {
	var date, format string
	var write, send bool
	show := report.Hidden
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Print the report of a day, or write its files",
		Long: `Prints what happened on a day and what to do about it: by default yesterday, the
last day that is complete. With --write the files of the configured folder are
written instead, with --send it goes out by mail and to the webhook.`,
		Example: "  harvester report\n  harvester report --date today\n  harvester report --send\n  harvester report --date 2026-11-03 --format html > report.html",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if format != "text" && format != "html" && format != "json" {
				return fail(exitUsage, fmt.Errorf("unknown format %q", format), "one of text, html, json")
			}
			return a.with(ctx, true, func(set *jobs.Set) error {
				day, err := dayOf(date, set.Config.Timezone.Location())
				if err == nil && day.After(time.Now()) {
					err = fail(exitUsage, fmt.Errorf("--date %s is still to come", date), "name a day that has begun")
				}
				if err != nil {
					return err
				}
				if !cmd.Flags().Changed("addresses") && (write || send) {
					show = set.Config.Report.Addresses
				}
				r, err := set.Report(ctx, day, show)
				if err != nil {
					return err
				}
				if send {
					if set.Config.Report.Mail.Server == "" && set.Config.Report.Webhook.URL.IsZero() {
						return fail(exitConfig, fmt.Errorf("%s: neither report.mail nor report.webhook is set", set.Config.File), "they say where reports go")
					}
					if err := set.SendReport(ctx, r, 1); err != nil {
						return fail(exitTempFail, err, "")
					}
				}
				if write {
					if set.Config.Report.Path == "" {
						return fail(exitConfig, fmt.Errorf("%s: report.path is not set", set.Config.File), "it is the folder of the reports")
					}
					files, err := set.WriteReport(r)
					for _, f := range files {
						fmt.Fprintln(a.Out, f)
					}
					if err != nil {
						return fail(fileStatus(err), err, "")
					}
					return nil
				}
				if send {
					return nil
				}
				return a.buffered(func(w *bytes.Buffer) error {
					switch format {
					case "html":
						return r.HTML(w)
					case "json":
						return r.JSON(w)
					}
					return r.Text(w)
				})
			})
		},
	}
	cmd.Flags().StringVar(&date, "date", "yesterday", "`day`: YYYY-MM-DD, today or yesterday")
	cmd.Flags().StringVar(&format, "format", "text", "text, html or json")
	cmd.Flags().TextVar(&show, "addresses", report.Hidden, "how recipients are `shown`: hidden, masked or full")
	cmd.Flags().BoolVar(&send, "send", false, "send it by mail and to the webhook, as configured")
	cmd.Flags().BoolVar(&write, "write", false, "write the files of the configured folder")
	exits(cmd, exitOK, "the report was printed, written or sent", exitUsage, "the command line is wrong", exitNoInput, "there is no database yet",
		exitCantCreate, "a file can't be written; the previous one stands", exitIO, "disk full, or the database is damaged",
		exitTempFail, "it can't be sent", exitConfig, "the configuration is wrong")
	return cmd
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
