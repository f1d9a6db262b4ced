package compose

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"harvester/cmd/harvester/config"
	"harvester/parse/rules"
	"harvester/schedule"
	"harvester/store"
	"harvester/store/facts"
	"harvester/store/fleet"
	"harvester/store/job"
)

// follow brings the list in line with the configuration: that of a program that
// works alone is the one that counts, a worker leaves it to the leader, and a
// command on a server decides by the one that the workers have.
func follow(ctx context.Context, db *store.DB, o Options, config map[string]string) error {
	if db.OnServer() {
		if o.Owner == "" || o.Worker {
			return nil
		}
		if err := errors.Join(fleet.Alone(ctx, db.DB), fleet.Adopt(ctx, db.DB, config)); err != nil {
			return err
		}
	}
	if err := db.Judge.Follow(ctx); err != nil || o.Owner == "" {
		return err
	}
	_, err := db.Judge.TakeArrivals(ctx) // that workers left
	return err
}

// fingerprints are those of the parts of a configuration that decide, by their
// keys. What comes with the program is left out: the schema sees to versions.
func fingerprints(c *config.Config, set *rules.Set, o *store.Options) map[string]string {
	out := map[string]string{}
	add := func(key string, parts ...any) {
		h := sha256.New()
		for _, p := range parts {
			fmt.Fprintf(h, "%+v\n", p)
		}
		out[key] = hex.EncodeToString(h.Sum(nil)[:8])
	}
	add("own_domains", slices.Sorted(slices.Values(facts.DomainKeys(o.Own))))
	var lines []any
	for _, stream := range append([]string{""}, c.Table.Streams()...) {
		for _, l := range c.Table.Lines(stream) {
			l.Origin = ""
			lines = append(lines, stream, l)
		}
	}
	add("policy", lines...)
	var streams []any
	for _, s := range o.Streams {
		streams = append(streams, s)
	}
	add("stream", streams...)
	add("servers", *o.Trust, o.Limited)
	add("breaker", o.Limits)
	add("retention", c.Retention)
	var own []any
	if set != nil { // there is a folder of them
		for _, r := range set.Rules() {
			if r.Own {
				r.File, r.Line, r.Column = "", 0, 0
				text, err := json.Marshal(r) // the exported fields
				own = append(own, string(text), err)
			}
		}
	}
	add("rules_dir", own...)
	if keys, err := c.PublicKeys(); err == nil {
		var all []any
		for _, k := range keys {
			all = append(all, k)
		}
		add("dkim", append(all, c.DKIM.DNS)...)
	}
	if !o.KeysUnread && !o.ReadOnly {
		var paths []any
		for _, v := range o.ReturnPaths {
			paths = append(paths, v.Fingerprint())
		}
		if o.BATV != nil {
			paths = append(paths, o.BATV.Fingerprint())
		}
		add("verp", paths...)
	}
	return out
}

// Adopt makes the configuration the one that all workers judge by.
func (s *Set) Adopt(ctx context.Context) error {
	return fleet.Adopt(ctx, s.DB.DB, s.DB.Judge.Config)
}

// join makes this process one of the workers.
func (s *Set) join(ctx context.Context, o Options, config map[string]string) (err error) {
	var wants []string
	for i := range s.Config.Mailboxes {
		wants = append(wants, fleet.OfMailbox(string(s.Config.Mailboxes[i].Name)))
	}
	for i := range s.Config.Exports {
		wants = append(wants, fleet.OfExport(string(s.Config.Exports[i].Name)))
	}
	for _, name := range s.Config.SentNames() {
		wants = append(wants, fleet.OfLog(name))
	}
	s.member, err = fleet.Join(ctx, s.DB.DB, fleet.Options{
		Name: cmp.Or(s.Config.Store.Worker, s.Config.Hostname), About: o.Version, Lease: time.Duration(s.Config.Store.LeaseSeconds) * time.Second,
		Wants: append(wants, fleet.Alarms), Config: config, Changed: o.Was != nil && !maps.Equal(o.Was, config), Log: s.Log,
	})
	if err == nil {
		s.DB.Judge.Defers = s.member.ID()
	}
	return err
}

// Term waits until this process may do a job; nil where it works alone.
func (s *Set) Term() func(context.Context, *schedule.Job) (context.Context, func(), error) {
	if s.member == nil {
		return nil
	}
	return func(ctx context.Context, j *schedule.Job) (context.Context, func(), error) {
		return s.member.Term(ctx, leaseOf(j.Name))
	}
}

func leaseOf(j job.Name) string {
	switch j.Kind {
	case job.Harvest:
		return fleet.OfMailbox(j.Subject)
	case job.Export:
		return fleet.OfExport(j.Subject)
	case job.Ledger:
		return fleet.OfLog(j.Subject)
	case job.Alarm:
		return fleet.Alarms
	}
	return fleet.Leader
}

// Fingerprints are those of the parts of the configuration that decide; nil for
// a database that is a file.
func (s *Set) Fingerprints() map[string]string { return s.DB.Judge.Config }

// Work takes part in the work of several, and leads when it is this process's
// turn, until ctx ends; then it gives back what it holds. Jobs run beside it, and
// must have ended before. A process that works alone has nothing to do here.
func (s *Set) Work(ctx context.Context) {
	if s.member == nil {
		return
	}
	leading, stop := context.WithCancel(ctx)
	defer stop()
	var leads sync.WaitGroup
	beats, silence := context.WithCancel(context.WithoutCancel(ctx))
	leads.Go(func() {
		defer silence() // after the last that it decided
		for {
			term, done, err := s.member.Term(leading, fleet.Leader)
			if err != nil {
				return
			}
			s.lead(term)
			done()
		}
	})
	leads.Go(func() { s.signalPauses(leading) })
	s.member.Run(beats)
	leads.Wait()
}

// signalPauses keeps the signal files of this machine as the leader decided.
func (s *Set) signalPauses(ctx context.Context) {
	if s.Config.Pause.Path == "" {
		return
	}
	ticks := time.NewTicker(refreshEvery)
	defer ticks.Stop()
	for {
		rates, err := s.DB.Rates.Rates(ctx)
		for _, r := range rates {
			err = errors.Join(err, s.signal(r))
		}
		if err != nil && ctx.Err() == nil {
			s.Log.Error("the pause signals could not be written", slog.Any("err", err))
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

const (
	lookEvery    = 250 * time.Millisecond // for what was handed in
	refreshEvery = time.Minute            // what expires by itself
	afterTrouble = 5 * time.Second
)

// lead judges what workers hand in, as long as the term lasts.
func (s *Set) lead(term context.Context) {
	s.Log.Info("this worker leads")
	began := false
	var refreshed time.Time
	said := ""
	for term.Err() == nil {
		err := s.leadOnce(term, &began, &refreshed)
		wait := lookEvery
		switch {
		case err == nil:
			said = ""
		case term.Err() != nil:
		case err.Error() != said:
			said, wait = err.Error(), afterTrouble
			s.Log.Error("judging failed, it is tried again", slog.Any("err", err))
		default:
			wait = afterTrouble
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-term.Done():
		}
		timer.Stop()
	}
	s.Log.Info("this worker leads no more", slog.Any("why", context.Cause(term)))
}

// leadOnce judges what is there. The first time it brings the list in line with
// the configuration, which may be another than that of the last leader.
func (s *Set) leadOnce(term context.Context, began *bool, refreshed *time.Time) error {
	if !*began {
		if err := s.DB.Judge.Follow(term); err != nil {
			return err
		}
		if err := s.healSmall(term); err != nil {
			return err
		}
		if err := s.DB.Judge.TryAgain(term); err != nil {
			return err
		}
		*began = true
	}
	start := time.Now()
	out, err := s.DB.Judge.TakeArrivals(term)
	if out != (facts.Outcome{}) {
		if s.meter != nil {
			s.meter.Committed(out, time.Since(start))
		}
		_, failed := s.UpdateRates(term)
		err = errors.Join(err, failed)
	}
	if err == nil && time.Since(*refreshed) > refreshEvery {
		if _, err = s.DB.Judge.Refresh(term); err == nil {
			*refreshed = time.Now()
			_, err = s.UpdateRates(term)
		}
	}
	return err
}
