package compose

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"harvester/parse/count"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/policy"
	"harvester/store/query"
)

const (
	failingFor = time.Hour      // after which a job that fails is news: one failed poll is none
	noteworthy = 10             // failures from which a matter of single mails is an incident
	lookBack   = 24 * time.Hour // open incidents are found however old they are
	littleRoom = 256 << 20      // bytes left for the database
	hardlyAny  = 32 << 20
)

// Troubles are what somebody should know of at this moment. Their texts show
// recipients as reports do.
func (s *Set) Troubles(ctx context.Context, now time.Time) (out []policy.Trouble, err error) {
	for _, look := range []func(context.Context, time.Time) ([]policy.Trouble, error){s.stopped, s.waiting, s.optOuts, s.rated, s.incidents, s.failing, s.silence, s.room, s.fleet} {
		found, err := look(ctx, now)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	show := s.Config.Report.Addresses
	for i := range out {
		t := &out[i]
		t.Title, t.Next = show.Text(t.Title), show.Text(t.Next)
	}
	return out, nil
}

func (s *Set) stopped(ctx context.Context, _ time.Time) ([]policy.Trouble, error) {
	trip, stopped, err := s.DB.Guard.Tripped(ctx)
	if err != nil || !stopped {
		return nil, err
	}
	if trip.OfClock() {
		return []policy.Trouble{{ID: "clock", Urgency: policy.Now, Since: trip.At, Title: trip.Why + ": nothing is decided, and the exports stay as they are",
			Next: "set the clock right (timedatectl), then all goes on by itself; if it is right: harvester ack --reason '...'"}}, nil
	}
	return []policy.Trouble{{ID: "guard", Urgency: policy.Now, Since: trip.At, Title: "the exports are stopped: " + trip.Why,
		Next: "look at what changed, then: harvester ack --reason '...'"}}, nil
}

// waiting is that verdicts wait for the operator, as anybody can have written
// the notices.
func (s *Set) waiting(ctx context.Context, _ time.Time) ([]policy.Trouble, error) {
	n, since, err := s.DB.Reports.Waiting(ctx)
	if err != nil || n == 0 {
		return nil, err
	}
	return []policy.Trouble{{ID: "forgeable", Since: since, Title: fmt.Sprintf("verdicts about %s wait: many notices came at once that anybody can have written", count.Of(n, "address")),
		Next: "look at some (harvester explain ADDRESS), then: harvester holds release forgeable, or: harvester holds drop forgeable"}}, nil
}

// optOuts is that people asked to be taken off, and nothing proves it.
func (s *Set) optOuts(ctx context.Context, _ time.Time) ([]policy.Trouble, error) {
	waiting, err := s.DB.Reports.OptOuts(ctx)
	if err != nil || len(waiting) == 0 {
		return nil, err
	}
	return []policy.Trouble{{ID: "optouts", Since: waiting[0].At, Title: count.Of(len(waiting), "opt-out") + " by mail: nothing proves who asked",
		Next: "harvester optouts list, then: harvester optouts accept all, or one by one"}}, nil
}

func (s *Set) rated(ctx context.Context, _ time.Time) (out []policy.Trouble, err error) {
	rates, err := s.DB.Rates.Rates(ctx)
	for _, r := range rates {
		t := policy.Trouble{ID: "rate." + r.Stream, Since: r.Since}
		switch r.Level {
		case policy.Paused:
			t.Urgency, t.Title = policy.Now, r.Stream+" is paused: "+r.Why
			t.Next = "see who fails and why (harvester report), then: harvester pause resume " + r.Stream
		case policy.Warned:
			t.Title, t.Next = r.Stream+" comes near a pause: "+r.Why, "harvester pause list"
		case policy.Fine, policy.Unknown:
			continue
		}
		out = append(out, t)
	}
	return out, err
}

func (s *Set) incidents(ctx context.Context, now time.Time) (out []policy.Trouble, err error) {
	incidents, err := s.DB.Incidents.Incidents(ctx, now.Add(-lookBack))
	if err != nil {
		return nil, err
	}
	found, err := s.DB.Findings.Findings(ctx, "", now)
	for i := range incidents {
		in := &incidents[i]
		if t, ok := incidentTrouble(in); checked(&t, in, found) || ok {
			out = append(out, t)
		}
	}
	return out, err
}

// checked says in the alarm of an open incident what came of looking: a fault
// of ours that is confirmed makes it urgent and news however few failed, a
// claim that is refuted is the receiver's to explain and wakes nobody.
func checked(t *policy.Trouble, in *query.Incident, found []facts.Finding) (news bool) {
	if !in.Closed.IsZero() || in.Count == 0 {
		return false
	}
	refuted := ""
	for i := range found {
		f := &found[i]
		if f.Scope != in.ID || f.Last.Before(in.Opened) {
			continue
		}
		if f.Fault && (f.Owner == "us_dns" || f.Owner == "us_mail") {
			t.Urgency, t.Title = policy.Now, t.Title+"; confirmed: "+f.Answer
			if len(f.Steps) > 0 {
				t.Next = f.Steps[0] + " (all of it: harvester incidents show " + in.ID + ")"
			}
			return true
		}
		if f.Verdict == "refuted" && refuted == "" {
			refuted = f.Answer
		}
	}
	if refuted != "" {
		t.Urgency, t.Title = policy.Soon, t.Title+"; not confirmed: "+refuted
		t.Next = "ask the receiver: harvester incidents show " + in.ID
	}
	return false
}

func incidentTrouble(in *query.Incident) (policy.Trouble, bool) {
	t := policy.Trouble{ID: "incident." + in.ID, Since: in.Opened, Next: "what mends it: harvester incidents show " + in.ID,
		Title: fmt.Sprintf("%s (%s at %s)", in.Cause.Title, count.Of(in.Count, "failure"), count.Of(len(in.Receivers), "receiver")),
		Known: slices.ContainsFunc(in.Acts, func(a query.IncidentAct) bool { return a.Act == "ack" && !a.At.Before(in.Opened) })}
	switch {
	case in.Count == 0: // the watch found it
		t.Title = in.Cause.Title
	case in.Proven == 0:
		t.Title = fmt.Sprintf("%s (%s at %s; none of these is proven to be of our mail)", in.Cause.Title, count.Of(in.Count, "failure"), count.Of(len(in.Receivers), "receiver"))
	}
	switch g := in.Cause.Group; {
	case !in.Closed.IsZero():
		return t, false
	case g == "content" || g == "rate" || g == "policy" || g == "vendor":
		return t, in.Count >= noteworthy
	case in.Urgent():
		t.Urgency = policy.Now
	}
	return t, true
}

// failing are the jobs that have not succeeded for too long.
func (s *Set) failing(ctx context.Context, now time.Time) (out []policy.Trouble, err error) {
	for _, j := range slices.Concat(s.Harvests(), s.Files()) {
		f, err := s.DB.Runs.FailingJob(ctx, j.Name)
		if errors.Is(err, engine.ErrNotFound) || err == nil && now.Sub(f.Since) < failingFor {
			continue
		}
		if err != nil {
			return nil, err
		}
		t := policy.Trouble{ID: "job." + j.Name.String(), Since: f.Since, Title: j.Name.String() + " fails", Next: f.Last.Detail}
		if slices.Contains([]job.Kind{job.Harvest, job.Export, job.Push}, j.Name.Kind) && now.Sub(f.Since) >= policy.FailingLong {
			t.Urgency = policy.Now
		}
		out = append(out, t)
	}
	return out, nil
}

// silence is that no mail came in where it is usual.
func (s *Set) silence(ctx context.Context, _ time.Time) ([]policy.Trouble, error) {
	lull, err := s.DB.Alarms.Lull(ctx)
	if err != nil {
		return nil, err
	}
	urgency, news := lull.Silent()
	if !news {
		return nil, nil
	}
	return []policy.Trouble{{ID: "silence", Urgency: urgency, Since: lull.Last, Title: fmt.Sprintf("no mail comes in, %.0f a day were usual", lull.Usual),
		Next: "send a mail to an address that does not exist; does it come back?"}}, nil
}

// room is that the disk of the database is nearly full.
func (s *Set) room(context.Context, time.Time) ([]policy.Trouble, error) {
	dir := filepath.Dir(s.Config.Store.Path)
	free, err := FreeBytes(dir)
	if err != nil || free >= littleRoom {
		return nil, nil //nolint:nilerr // where it can't be told, nothing is
	}
	t := policy.Trouble{ID: "disk", Title: fmt.Sprintf("little room is left for the database: %d MB", free>>20), Next: "make room where " + dir + " is"}
	if free < hardlyAny {
		t.Urgency = policy.Now
	}
	return []policy.Trouble{t}, nil
}

const (
	leaderless = 2 * time.Minute // without anybody who judges; others take over much sooner
	lagging    = 5 * time.Minute // from the commit of a mail to its verdict
	skewed     = 5 * time.Second
)

// fleet is what is wrong with several workers on one database.
func (s *Set) fleet(ctx context.Context, _ time.Time) (out []policy.Trouble, err error) {
	workers, err := s.DB.Fleet.Workers(ctx)
	if err != nil || len(workers) == 0 {
		return nil, err
	}
	without, err := s.DB.Fleet.Leaderless(ctx)
	if err != nil {
		return nil, err
	}
	pending, err := s.DB.Mailboxes.Pending(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case without > leaderless:
		out = append(out, policy.Trouble{ID: "fleet.leader", Urgency: policy.Now, Title: fmt.Sprintf("no worker judges: %s handed in, the list stays as it is", count.Of(pending.Mails, "mail")),
			Next: "see who differs in its configuration: harvester status; then make them the same, or: harvester config adopt"})
	case pending.Lag() > lagging && pending.Arrivals > pending.Troubles:
		out = append(out, policy.Trouble{ID: "fleet.lag", Since: pending.Oldest, Title: fmt.Sprintf("judging is behind: %s handed in, the oldest %s ago", count.Of(pending.Mails, "mail"), pending.Lag().Round(time.Second)),
			Next: "look into the log of the worker that leads: harvester status names it"})
	}
	if pending.Troubles > 0 {
		out = append(out, policy.Trouble{ID: "fleet.arrivals", Urgency: policy.Now, Title: count.Of(pending.Troubles, "batch") + " of a worker can't be stored: " + pending.Trouble,
			Next: "bring all workers to one version; the next leader tries again"})
	}
	for i := range workers {
		w := &workers[i]
		switch {
		case !w.Heard:
			out = append(out, policy.Trouble{ID: "fleet.worker." + w.ID, Since: w.Until, Title: "worker " + w.Name + " is heard no more, others do its work", Next: "start it again; it is forgotten after a day"})
			continue
		case w.Skew.Abs() > skewed:
			out = append(out, policy.Trouble{ID: "fleet.clock." + w.Name, Title: fmt.Sprintf("the clock of worker %s is %s off that of the database", w.Name, w.Skew.Round(time.Second)), Next: "set it right there (timedatectl)"})
		}
		if len(w.Differs) > 0 {
			out = append(out, policy.Trouble{ID: "fleet.config." + w.Name, Title: "worker " + w.Name + " does not judge: its configuration differs in " + strings.Join(w.Differs, ", "),
				Next: "make it the same there, or have it apply to all: harvester config adopt"})
		}
	}
	return out, nil
}
