package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/jobs"
	"harvester/notify"
	"harvester/store/policy"
)

func newAlarm(a *app) *cobra.Command {
	return parent(&cobra.Command{
		Use:   "alarm",
		Short: "List what is wrong now, and test whether alarms arrive",
		Long: `The daemon tells of troubles at once, by the mail and webhook of the report: an
incident, a stream that is paused, exports that stand still, a job that fails.
Each is told when it opens, becomes urgent or is over, and what is urgent once
more a day; [alarm] of the configuration has quiet hours.`,
		Example: "  harvester alarm list\n  harvester alarm test",
	}, newAlarmList(a), newAlarmTest(a))
}

func newAlarmList(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "Print the troubles of this moment, and since when they are known",
		Example: "  harvester alarm list --json",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), true, func(set *jobs.Set) error {
				known, err := set.DB.Alarms(cmd.Context())
				if err != nil {
					return err
				}
				now := time.Now()
				troubles, err := set.Troubles(cmd.Context(), now)
				if err != nil {
					return err
				}
				alarms, _ := policy.Alarms(known, troubles, now, policy.AlarmRules{Quiet: true})
				p := &page{zone: set.Config.Timezone.Location()}
				enc, w := json.NewEncoder(a.Out), tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
				n := 0
				for _, al := range alarms {
					if !al.Gone.IsZero() {
						continue
					}
					n++
					if asJSON {
						if err := enc.Encode(al); err != nil {
							return err
						}
						continue
					}
					fmt.Fprintf(w, "%s\t%s\t%s\n", strings.ToUpper(al.Urgency.String()), p.stamp(al.Opened), clipped(printable(al.Title), 54))
					if al.Next != "" {
						fmt.Fprintf(w, "\t\t-> %s\n", clipped(printable(firstLine(al.Next)), 51))
					}
				}
				if n == 0 && !asJSON {
					fmt.Fprintln(w, "nothing is wrong")
				}
				return w.Flush()
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line, in full")
	exits(cmd, exitOK, "the troubles were printed, perhaps none", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

func clipped(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func newAlarmTest(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "test",
		Short:   "Send a test alarm by every way that is configured",
		Example: "  harvester alarm test",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), true, func(set *jobs.Set) error {
				now := time.Now().In(set.Config.Timezone.Location())
				trouble := policy.Trouble{ID: "test", Urgency: policy.Soon, Title: "this is a test, nothing is wrong", Next: "nothing to do; alarms reach you"}
				told, err := set.Tell(cmd.Context(), &notify.Alert{Schema: notify.AlertSchema, Host: set.Config.Hostname, At: now,
					News: []policy.News{{Alarm: policy.Alarm{Trouble: trouble, Opened: now, Told: now}, What: "opened"}}})
				ways := jobs.Ways(set.Config)
				switch {
				case errors.Is(err, jobs.ErrNoWay):
					return fail(exitConfig, err, "harvester config example shows both")
				case err != nil:
					return fail(exitUnavailable, err, fmt.Sprintf("%d of %d ways work", told, len(ways)))
				}
				if asJSON {
					return json.NewEncoder(a.Out).Encode(map[string][]string{"sent": ways})
				}
				_, err = fmt.Fprintf(a.Out, "sent: %s\n", strings.Join(ways, ", "))
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "it went out by every way", exitUnavailable, "one of them failed", exitNoInput, "there is no database yet",
		exitConfig, "no way is configured, or the configuration or a secret is wrong")
	return cmd
}
