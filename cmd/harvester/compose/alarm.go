package compose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	message "github.com/emersion/go-message/mail"

	"harvester/schedule"
	"harvester/store/job"
	"harvester/store/notify"
	"harvester/store/policy"
)

// alarm is the job that notices troubles and tells what is new about them. It
// comes last, so that a pass sees its own.
func (s *Set) alarm() schedule.Job {
	return schedule.Job{Name: job.Alarm.Alone(), Spec: s.Config.Alarm.Schedule, Deadline: fileDeadline, AtOnce: true, Run: func(ctx context.Context) (string, error) {
		return s.tellTroubles(ctx, s.DB.Now())
	}}
}

// Way is one way to tell an alert.
type Way struct {
	Name string // mail, webhook; alarms remember under it what was told
	To   string // in words
	Send func(context.Context, *notify.Alert) error

	always bool // quiet hours are not for it
}

// Ways are the configured ways to tell somebody.
func (s *Set) Ways() (ways []Way) {
	if c := s.Config.AlarmMail(); c.Server != "" {
		ways = append(ways, Way{Name: "mail", To: strings.Join(c.To, ", ") + " by " + c.Server, Send: func(ctx context.Context, a *notify.Alert) error {
			return s.mail(ctx, &c, func(from, to []*message.Address) ([]byte, error) { return a.Compose(from, to) })
		}})
	}
	if c := s.Config.AlarmWebhook(); !c.URL.IsZero() {
		ways = append(ways, Way{Name: "webhook", To: c.URL.Reference(), Send: func(ctx context.Context, a *notify.Alert) error {
			url, err := c.URL.Resolve(ctx)
			if err != nil {
				return fmt.Errorf("posting the alert: %w", err)
			}
			hook := notify.Webhook{URL: url, Format: c.Format, Timeout: sendTimeout, Client: http.DefaultClient}
			return hook.PostAlert(ctx, a)
		}})
	}
	return ways
}

// log tells an alert to the log, which never fails.
func (s *Set) log(ctx context.Context, a *notify.Alert) error {
	for _, n := range a.News {
		level := slog.LevelWarn
		if n.What == policy.Closed {
			level = slog.LevelInfo
		}
		s.Log.Log(ctx, level, "alarm", slog.String("alarm", n.ID), slog.String("what", n.What), slog.String("level", n.Urgency.String()), slog.String("why", n.Title))
	}
	return nil
}

// tellTroubles looks at what is wrong and tells what is new about it. Each way
// has a memory of its own, which is written when it has told: what fails is told
// at the next look, under the same Message-ID.
func (s *Set) tellTroubles(ctx context.Context, now time.Time) (string, error) {
	now = now.In(s.Config.Timezone.Location())
	alarms, err := s.Alarms(ctx, now)
	if err == nil {
		err = s.DB.Alarms.KeepAlarms(ctx, alarms) // before the first try: where nothing can be kept, nothing is repeated
	}
	if err != nil {
		return "", err
	}
	ways := append([]Way{{Name: "log", Send: s.log, always: true}}, s.Ways()...)
	c := &s.Config.Alarm
	var failed []error
	for _, w := range ways {
		news := policy.Due(alarms, w.Name, now, policy.AlarmRules{Quiet: !w.always && c.Quiet.Contain(now), Again: c.Again.Of()})
		if len(news) == 0 {
			continue
		}
		alert := &notify.Alert{Host: s.Config.Hostname, At: now, News: news}
		if err := w.Send(ctx, alert); err != nil {
			failed = append(failed, err)
			continue
		}
		alarms = policy.Told(alarms, news, w.Name, now, alert.MessageID())
		if err := s.DB.Alarms.KeepAlarms(ctx, alarms); err != nil {
			return "", err
		}
	}
	var names []string
	for _, w := range ways {
		names = append(names, w.Name)
	}
	alarms = slices.DeleteFunc(alarms, func(a policy.Alarm) bool { return a.Forgettable(names, now) })
	if err := s.DB.Alarms.KeepAlarms(ctx, alarms); err != nil {
		return "", err
	}
	open := 0
	for i := range alarms {
		if alarms[i].Lasts() {
			open++
		}
	}
	detail := fmt.Sprintf("%d open", open)
	if failed != nil {
		return detail, &schedule.Partial{Err: errors.Join(failed...)} // the other ways don't wait
	}
	return detail, nil
}

// Alarms are those of this moment, and those that were over not long ago.
func (s *Set) Alarms(ctx context.Context, now time.Time) ([]policy.Alarm, error) {
	known, err := s.DB.Alarms.Alarms(ctx)
	if err != nil {
		return nil, err
	}
	troubles, err := s.Troubles(ctx, now)
	if err != nil {
		return nil, err
	}
	return policy.Alarms(known, troubles, now), nil
}
