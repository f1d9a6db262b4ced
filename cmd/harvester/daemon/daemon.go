// Package daemon is the service: it opens what a configuration names, runs its
// jobs on their schedules, reloads, tells the service manager how it is, and
// stops in order. It touches no signals, so that tests can run it.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/cmd/harvester/metrics"
	"harvester/schedule"
)

// Options are what the daemon runs with.
type Options struct {
	Load     func() (*config.Config, error) // reads the configuration, at start and at each reload
	Reload   <-chan struct{}                // asks to read it again
	Dump     <-chan struct{}                // asks to log how every job stands
	Notify   func(state string)             // tells the service manager (sd_notify(3)); nil: nobody
	Watchdog time.Duration                  // how often the service manager wants a sign of life; 0: never
	Version  string                         // of the program
	Now      func() time.Time               // the wall clock; nil: the system's
	Log      *slog.Logger
}

const (
	parallelJobs = 32               // connections and memory stay bounded with any number of mailboxes
	grace        = 30 * time.Second // for what is at work when the daemon stops
	statusEvery  = 10 * time.Second
)

// Run runs until ctx ends. A configuration that can't be used at start is an
// error; at a reload it is logged and the old one stays.
func Run(ctx context.Context, o Options) error {
	if o.Notify == nil {
		o.Notify = func(string) {}
	}
	c, err := o.Load()
	if err != nil {
		return err
	}
	o.Log.Info("configuration read", slog.String("path", c.File))
	d := &daemon{Options: o, metrics: metrics.New(o.Version)}
	if err := d.start(ctx, c, nil); err != nil {
		return err
	}
	d.metrics.Reloaded(true)
	defer d.watch(ctx)()
	d.ready()
	status := time.NewTicker(statusEvery)
	defer status.Stop()
	for {
		select {
		case <-ctx.Done():
			o.Notify("STOPPING=1\nSTATUS=finishing what is in hand")
			o.Log.Info("stopping")
			return d.stop()
		case <-o.Reload:
			if err := d.reload(ctx); err != nil {
				return err
			}
		case <-o.Dump:
			d.dump()
		case <-status.C:
			o.Notify("STATUS=" + d.summary())
		}
	}
}

// daemon is the service at work under one configuration at a time.
type daemon struct {
	Options
	set     *compose.Set
	runner  atomic.Pointer[schedule.Runner]
	cancel  context.CancelFunc
	ended   chan error
	leave   func() // gives back, after the jobs have ended, what other workers can do
	metrics *metrics.Metrics
	served  func() // waits for the end of serving

	refused string // why the configuration as it is now is not at work; "" when it is
}

// start opens a configuration and runs its jobs. was are the fingerprints of the
// one before a reload.
func (d *daemon) start(ctx context.Context, c *config.Config, was map[string]string) error {
	if len(c.Mailboxes) == 0 {
		return fmt.Errorf("%s: %w", c.File, compose.ErrNoMailbox)
	}
	set, err := compose.Open(ctx, c, compose.Options{Owner: "harvester run on " + c.Hostname, Worker: true, Was: was, Version: d.Version, Now: d.Now, Meter: d.metrics, Log: d.Log})
	if err != nil {
		return err
	}
	r := &schedule.Runner{
		Jobs: slices.Concat(set.Harvests(), set.Files()), Recorder: set.DB.Runs, Zone: c.Timezone.Location(),
		Parallel: parallelJobs, Grace: grace, Log: d.Log, Now: d.Now, Term: set.Term(),
	}
	running, cancel := context.WithCancel(ctx)
	if d.served, err = d.listen(running, set, r); err != nil {
		cancel()
		return errors.Join(err, set.Close())
	}
	d.set, d.cancel, d.ended = set, cancel, make(chan error, 1)
	d.runner.Store(r)
	go func() { d.ended <- r.Run(running) }()
	d.leave = works(ctx, set)
	d.Log.Info("started", slog.Int("mailboxes", len(c.Mailboxes)), slog.Int("exports", len(c.Exports)), slog.String("rules", set.RulesVersion()))
	return nil
}

// works takes part beside other workers until the function that it returns is
// called, which comes back when all is given back.
func works(ctx context.Context, set *compose.Set) (leave func()) {
	working, stop := context.WithCancel(context.WithoutCancel(ctx)) // jobs have time to end
	left := make(chan struct{})
	go func() {
		defer close(left)
		set.Work(working)
	}()
	return func() {
		stop()
		<-left
	}
}

// stop ends the jobs and closes the database. Its error names jobs that did
// not end in time.
func (d *daemon) stop() error {
	d.cancel()
	err := <-d.ended
	d.leave()
	d.served()
	if closing := d.set.Close(); err == nil {
		err = closing
	}
	return err
}

// reload changes to the configuration as it is now. One that is wrong, or that
// can't be opened, leaves the old one at work.
func (d *daemon) reload(ctx context.Context) error {
	d.Notify(reloading())
	c, err := d.Load()
	if err == nil {
		_, err = compose.Rules(c.RulesDir)
	}
	if err != nil {
		d.refuse(err)
		return nil
	}
	old, was := d.set.Config, d.set.Fingerprints()
	if err := d.stop(); err != nil {
		return err
	}
	if err := d.start(ctx, c, was); err != nil {
		d.refuse(err)
		if err := d.start(ctx, old, nil); err != nil {
			return err
		}
		return nil
	}
	d.Log.Info("configuration reloaded", slog.String("path", c.File))
	d.refused = ""
	d.metrics.Reloaded(true)
	d.ready()
	return nil
}

// refuse says why the old configuration stays, in the log and in the status
// until a reload succeeds.
func (d *daemon) refuse(err error) {
	d.metrics.Reloaded(false)
	d.Log.Error("configuration not reloaded, the old one stays", slog.Any("err", err))
	d.refused, _, _ = strings.Cut(err.Error(), "\n")
	d.ready()
}

func (d *daemon) ready() { d.Notify("READY=1\nSTATUS=" + d.summary()) }

// summary is one line: how many mailboxes, how many fail, what comes next, and
// why the last reload was refused.
func (d *daemon) summary() string {
	failing := 0
	var next time.Time
	for _, s := range d.runner.Load().States() {
		if s.Err != nil { // in part as well: one folder of a mailbox
			failing++
		}
		if next.IsZero() || !s.Next.IsZero() && s.Next.Before(next) {
			next = s.Next
		}
	}
	text := count(len(d.set.Config.Mailboxes), "mailbox", "mailboxes")
	if failing > 0 {
		text += ", " + count(failing, "job", "jobs") + " failing"
	}
	if !next.IsZero() {
		text += "; next run " + next.Format("15:04")
	}
	if d.refused != "" {
		text += "; configuration not reloaded: " + d.refused
	}
	return text
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// dump logs how every job stands.
func (d *daemon) dump() {
	for _, s := range d.runner.Load().States() {
		attrs := []any{slog.String("job", s.Job.String()), slog.Time("next", s.Next), slog.Int("failures", s.Failures())}
		if !s.Running.IsZero() {
			attrs = append(attrs, slog.Time("running", s.Running))
		}
		if s.Err != nil {
			attrs = append(attrs, slog.Any("err", s.Err))
		}
		d.Log.Info("status", attrs...)
	}
}

// watch gives the signs of life that the service manager asks for, but only as
// long as every loop turns and no job outlives its deadline. The function that
// it returns ends it.
func (d *daemon) watch(ctx context.Context) (end func()) {
	if d.Watchdog <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // stopping takes its time, too
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticks := time.NewTicker(d.Watchdog / 2)
		defer ticks.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
			if err := d.runner.Load().Healthy(); err != nil {
				d.Log.Error("no sign of life to the watchdog", slog.Any("err", err))
				continue
			}
			d.Notify("WATCHDOG=1")
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
