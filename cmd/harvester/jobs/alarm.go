package jobs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"harvester/cmd/harvester/config"
	"harvester/notify"
	"harvester/schedule"
	"harvester/store"
	"harvester/store/policy"
)

const (
	alarmJob   = "alarm"
	everyLook  = "*/5 * * * *"   // how often troubles are looked for
	failingFor = time.Hour       // after which a job that fails wakes somebody
	widespread = 3               // receivers from which an incident does
	noteworthy = 10              // failures from which a matter of single mails is one
	lookBack   = 24 * time.Hour  // open incidents are never older
	tellTime   = 2 * time.Minute // for all ways together
)

// ErrNoWay tells that nobody can be told anything.
var ErrNoWay = errors.New("neither [report.mail] nor [report.webhook] is configured")

// alarm is the job that tells of troubles at once; nil where it is switched
// off, or nobody can be told.
func (s *Set) alarm() []schedule.Job {
	if !s.Config.Alarm.Send || !s.canTell() {
		return nil
	}
	spec, err := schedule.ParseSpec(everyLook)
	if err != nil {
		panic(err) // it is a constant
	}
	return []schedule.Job{{Name: alarmJob, Spec: spec, Deadline: fileDeadline, AtOnce: true, Run: s.tellTroubles}}
}

func (s *Set) canTell() bool {
	return s.Config.Report.Mail.Server != "" || !s.Config.Report.Webhook.URL.IsZero()
}

// tellTroubles looks at what is wrong and tells what is new about it.
func (s *Set) tellTroubles(ctx context.Context) (string, error) {
	now := time.Now().In(s.Config.Timezone.Location())
	known, err := s.DB.Alarms(ctx)
	if err != nil {
		return "", err
	}
	troubles, err := s.Troubles(ctx, now)
	if err != nil {
		return "", err
	}
	c := s.Config.Alarm
	next, news := policy.Alarms(known, troubles, now, policy.AlarmRules{Quiet: c.Quiet.Contain(now), Again: c.Again.Of()})
	if len(news) > 0 {
		told, err := s.Tell(ctx, &notify.Alert{Schema: notify.AlertSchema, Host: s.Config.Hostname, At: now, News: news})
		if told == 0 {
			return "", err // told at the next look
		}
		// One way that fails must not make the other repeat itself.
		return fmt.Sprintf("told %d of %d troubles", len(news), len(troubles)), errors.Join(s.DB.KeepAlarms(ctx, next), err)
	}
	if !slices.Equal(next, known) {
		err = s.DB.KeepAlarms(ctx, next)
	}
	return fmt.Sprintf("%d troubles, nothing new", len(troubles)), err
}

// Tell sends an alert by every way that is configured, and says by how many it
// went.
func (s *Set) Tell(ctx context.Context, a *notify.Alert) (ways int, err error) {
	if !s.canTell() {
		return 0, ErrNoWay
	}
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	var errs []error
	try := func(send func() error) {
		if err := send(); err != nil { // the next look tries again
			errs = append(errs, err)
			return
		}
		ways++
	}
	if s.Config.Report.Mail.Server != "" {
		try(func() error { return s.mail(ctx, a.Compose) })
	}
	if hook := &s.Config.Report.Webhook; !hook.URL.IsZero() {
		try(func() error {
			url, err := hook.URL.Resolve(ctx)
			if err != nil {
				return fmt.Errorf("posting the alert: %w", err)
			}
			w := notify.Webhook{URL: url, Format: hook.Format, Timeout: sendTimeout, Client: http.DefaultClient}
			return w.PostAlert(ctx, a)
		})
	}
	return ways, errors.Join(errs...)
}

// Troubles are what somebody should know of at this moment.
func (s *Set) Troubles(ctx context.Context, now time.Time) ([]policy.Trouble, error) {
	var out []policy.Trouble
	trip, stopped, err := s.DB.Tripped(ctx)
	if err != nil {
		return nil, err
	}
	if stopped {
		out = append(out, policy.Trouble{ID: "exports", Urgency: policy.Now, Title: "the exports are stopped: " + trip.Why,
			Next: "look at what changed, then: harvester ack --reason '...'"})
	}
	rates, err := s.DB.Rates(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range rates {
		switch r.Level {
		case policy.Paused:
			out = append(out, policy.Trouble{ID: "rate " + r.Stream, Urgency: policy.Now, Title: r.Stream + " is paused: " + r.Why,
				Next: "see who fails and why (harvester report), then: harvester pause resume " + r.Stream})
		case policy.Warned:
			out = append(out, policy.Trouble{ID: "rate " + r.Stream, Urgency: policy.Soon, Title: r.Stream + " comes near a pause: " + r.Why, Next: "harvester pause list"})
		case policy.Fine, policy.Unknown:
		}
	}
	incidents, err := s.DB.Incidents(ctx, now.Add(-lookBack))
	if err != nil {
		return nil, err
	}
	for i := range incidents {
		if t, ok := incidentTrouble(&incidents[i]); ok {
			out = append(out, t)
		}
	}
	failing, err := s.failing(ctx, now)
	return append(out, failing...), err
}

func incidentTrouble(in *store.Incident) (policy.Trouble, bool) {
	t := policy.Trouble{ID: "incident " + in.ID, Title: fmt.Sprintf("%s (%d failures at %d receivers)", in.Cause.Title, in.Count, len(in.Receivers)),
		Next:  "what mends it: harvester incidents show " + in.ID,
		Known: slices.ContainsFunc(in.Acts, func(a store.IncidentAct) bool { return a.Act == "ack" && !a.At.Before(in.Opened) })}
	switch g := in.Cause.Group; {
	case !in.Closed.IsZero():
		return t, false
	case g == "content" || g == "rate" || g == "policy" || g == "vendor":
		return t, in.Count >= noteworthy
	case g == "account" || len(in.Receivers) >= widespread:
		t.Urgency = policy.Now
	}
	return t, true
}

// failing are the jobs that have not succeeded for too long.
func (s *Set) failing(ctx context.Context, now time.Time) (out []policy.Trouble, err error) {
	for _, j := range slices.Concat(s.Harvests(), s.Files()) {
		last, err := s.DB.LastRun(ctx, j.Name, false)
		if errors.Is(err, store.ErrNotFound) || err == nil && (last.OK || last.Ended.IsZero() || j.Name == alarmJob) {
			continue
		}
		if err != nil {
			return nil, err
		}
		t := policy.Trouble{ID: "job " + j.Name, Urgency: policy.Soon, Title: j.Name + " fails", Next: last.Detail}
		good, err := s.DB.LastRun(ctx, j.Name, true)
		switch {
		case errors.Is(err, store.ErrNotFound):
			t.Urgency, t.Title = policy.Now, t.Title+", and never succeeded"
		case err != nil:
			return nil, err
		case now.Sub(good.Started) > failingFor:
			t.Urgency = policy.Now
		}
		out = append(out, t)
	}
	return out, nil
}

// Ways name how alarms are told, for the test of them.
func Ways(c *config.Config) (out []string) {
	if m := c.Report.Mail; m.Server != "" {
		out = append(out, fmt.Sprintf("mail to %d by %s", len(m.To), m.Server))
	}
	if !c.Report.Webhook.URL.IsZero() {
		out = append(out, "webhook "+c.Report.Webhook.URL.Reference())
	}
	return out
}
