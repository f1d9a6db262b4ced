package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/parse/count"
	"harvester/store/notify"
	"harvester/store/policy"
)

func newAlarm(a *app) *cobra.Command {
	return parent(&cobra.Command{
		Use:   "alarm",
		Short: "List what is wrong now, and test whether alarms arrive",
		Long: `The daemon tells of troubles at once, by the mail and webhook of the report or
by those under [alarm]: a mailbox or an export that keeps failing, an incident,
a paused stream, exports that stand still, no mail where it is usual, a full
disk. Each is told when it opens, becomes urgent or is over, and what is urgent
once more a day; there can be quiet hours. See docs/alarms.md.`,
		Example: "  harvester alarm list\n  harvester alarm test",
	}, newAlarmList(a), newAlarmTest(a))
}

func newAlarmList(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "Print the troubles of this moment, since when, and when they were told",
		Example: "  harvester alarm list\n  harvester alarm list --json",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.alarms(cmd.Context(), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	exits(cmd, exitOK, "the troubles were printed, perhaps none", exitUsage, "the command line is wrong", exitNoInput, "there is no database yet",
		exitConfig, "the configuration is wrong")
	return cmd
}

// alarms prints the troubles of this moment.
func (a *app) alarms(ctx context.Context, asJSON bool) error {
	return a.with(ctx, true, func(set *compose.Set) error {
		alarms, err := set.Alarms(ctx, time.Now())
		if err != nil {
			return err
		}
		alarms = slices.DeleteFunc(alarms, func(al policy.Alarm) bool { return !al.Lasts() })
		slices.SortStableFunc(alarms, func(x, y policy.Alarm) int { return int(y.Urgency) - int(x.Urgency) })
		enc, p := json.NewEncoder(a.Out), &page{w: a.Out, zone: set.Config.Timezone.Location()}
		for i := range alarms {
			if !asJSON {
				p.alarm(&alarms[i])
			} else if err := enc.Encode(alarms[i]); err != nil {
				return err
			}
		}
		if len(alarms) == 0 && !asJSON {
			p.line("nothing is wrong")
		}
		return p.err
	})
}

func (p *page) alarm(al *policy.Alarm) {
	p.line("%s  %s", strings.ToUpper(al.Urgency.String()), wrap(printable(al.Title), 72, 6))
	p.field("since", p.stamp(al.Opened))
	var told []string
	for _, way := range slices.Sorted(maps.Keys(al.Told)) {
		told = append(told, way+" "+p.stamp(al.Told[way].At))
	}
	if told == nil {
		told = []string{"not yet"}
	}
	p.field("told", strings.Join(told, ", "))
	p.field("next", firstLine(al.Next))
	p.line("")
}

// testedWay is one way of a test.
type testedWay struct {
	Way   string `json:"way"` // mail, webhook
	To    string `json:"to"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

func newAlarmTest(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send a test alarm by every way that is configured",
		Long: `Sends an alarm that says it is a test by every configured way, and prints
whether the mail server and the webhook took it. Whether it reaches a person is
for that person to say.`,
		Example: "  harvester alarm test",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.testAlarm(cmd.Context(), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line for each way")
	exits(cmd, exitOK, "every way took it", exitUsage, "the command line is wrong", exitUnavailable, "at least one did not", exitNoInput, "there is no database yet",
		exitConfig, "no way is configured, or the configuration is wrong")
	return cmd
}

// testAlarm sends a test by every way.
func (a *app) testAlarm(ctx context.Context, asJSON bool) error {
	return a.with(ctx, true, func(set *compose.Set) error {
		now := time.Now().In(set.Config.Timezone.Location())
		alert := &notify.Alert{Host: set.Config.Hostname, At: now, News: []policy.News{{What: policy.Opened, Alarm: policy.Alarm{Opened: now,
			Trouble: policy.Trouble{ID: "test", Title: "this is a test, nothing is wrong", Next: "nothing to do: alarms reach you"}}}}}
		ways := set.Ways()
		if len(ways) == 0 {
			return fail(exitConfig, fmt.Errorf("%s: there is no way to tell alarms", set.Config.File),
				"set [report.mail], [report.webhook] or [alarm.webhook], and leave alarm.send on")
		}
		failed := 0
		for _, w := range ways {
			t := testedWay{Way: w.Name, To: w.To, OK: true}
			text := fmt.Sprintf("%s: accepted, to %s", w.Name, w.To)
			if err := w.Send(ctx, alert); err != nil {
				failed++
				t.OK, t.Error = false, err.Error()
				text = fmt.Sprintf("%s: not accepted, to %s", w.Name, w.To)
				a.printError(err)
			}
			if err := a.tell(asJSON, t, text); err != nil {
				return err
			}
		}
		if failed > 0 {
			return fail(exitUnavailable, errors.New(""), fmt.Sprintf("%s of %d failed", count.Of(failed, "way"), len(ways)))
		}
		return nil
	})
}
