package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"harvester/harvest"
	"harvester/store/job"
)

const (
	// tick is how long a job sleeps at most before it looks at the clock again,
	// so that a clock that was set is noticed.
	tick = 30 * time.Second
	// late is how much later than due a loop may look before it counts as stuck.
	late = 4 * tick
	// groupParallel is how many jobs of one group run at a time. A server that
	// went silent holds up these at most, and providers allow an address some
	// ten connections.
	groupParallel = 8
	// mostWatches bounds the connections that only wait; what is beyond it is
	// run on schedule alone.
	mostWatches = 100
	// stagger keeps watches from signing in together.
	stagger = 100 * time.Millisecond
	// patience is how long jobs that follow wait at the start for the others.
	patience = 5 * time.Minute
)

// Runner runs jobs on their schedules: never two runs of one job at a time, a
// missed run caught up once, and a job that fails left alone for longer each
// time.
type Runner struct {
	Jobs     []Job
	Recorder Recorder
	Zone     *time.Location
	Parallel int           // jobs that run at a time
	Grace    time.Duration // for runs to end after the context did
	Log      *slog.Logger
	Now      func() time.Time // the wall clock; nil is the system's
	// Term waits until this process may do a job that several could do. The context
	// ends when another may, and done tells that nothing of it is left. nil: this
	// process alone does all.
	Term func(context.Context, *Job) (term context.Context, done func(), err error)

	mu     sync.Mutex
	states []State
	slots  chan struct{}
	groups map[string]chan struct{}
}

// State is how a job stands.
type State struct {
	Job      job.Name
	Next     time.Time // of the next run
	Running  time.Time // since when; zero when it does not
	Err      error     // of the last run
	Missed   int       // runs that the schedule had, and that no run began for
	seen     time.Time // when its loop last looked at the clock
	queued   bool      // due, and waiting for others to end
	deadline time.Duration
	backoff  harvest.Backoff
}

// Run runs the jobs until ctx ends and every run did, at most Grace later. Its
// error names the jobs that did not end.
func (r *Runner) Run(ctx context.Context) error {
	r.mu.Lock()
	r.slots = make(chan struct{}, max(1, r.Parallel))
	r.groups = map[string]chan struct{}{}
	r.states = make([]State, len(r.Jobs))
	for i := range r.Jobs {
		if g := r.Jobs[i].Group; g != "" && r.groups[g] == nil {
			r.groups[g] = make(chan struct{}, groupParallel)
		}
		r.states[i] = State{Job: r.Jobs[i].Name, seen: r.now(), deadline: r.Jobs[i].Deadline}
	}
	r.mu.Unlock()

	// All first runs are settled before any job runs: one can be the basis of another.
	first := make([]time.Time, len(r.Jobs))
	for i := range r.Jobs {
		first[i] = r.first(ctx, i)
	}
	var loops, leading sync.WaitGroup
	led := make(chan struct{})
	watches := 0
	for i := range r.Jobs {
		if r.Term != nil {
			loops.Go(func() { r.terms(ctx, i) })
			continue
		}
		woken := make(chan struct{}, 1)
		ran := func() {}
		if !r.Jobs[i].Follows && !first[i].After(r.now()) {
			leading.Add(1)
			ran = sync.OnceFunc(leading.Done)
		}
		loops.Go(func() {
			defer ran()
			if r.Jobs[i].Follows && !first[i].After(r.now()) && !r.follow(ctx, i, led) {
				return
			}
			r.loop(ctx, i, first[i], woken, ran)
		})
		if watch := r.Jobs[i].Watch; watch != nil {
			if watches++; watches > mostWatches {
				continue
			}
			before := time.Duration(watches) * stagger
			loops.Go(func() {
				if sleep(ctx, before) {
					watch(ctx, waker(woken))
				}
			})
		}
	}
	if watches > mostWatches {
		r.Log.Info("not every job is woken, the others keep to their schedules", slog.Int("woken", mostWatches), slog.Int("others", watches-mostWatches))
	}
	loops.Go(func() {
		leading.Wait()
		close(led)
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		loops.Wait()
	}()
	<-ctx.Done()
	stuck := time.NewTimer(r.Grace)
	defer stuck.Stop()
	select {
	case <-ended:
		return nil
	case <-stuck.C:
		return fmt.Errorf("still running after %s: %s", r.Grace, strings.Join(r.running(), ", "))
	}
}

// terms runs one job whenever this process may, each time from where the runs
// that are recorded leave it: they may be another's.
func (r *Runner) terms(ctx context.Context, i int) {
	for {
		r.update(i, func(s *State) { s.queued, s.Next = true, time.Time{} })
		term, done, err := r.Term(ctx, &r.Jobs[i])
		if err != nil {
			return
		}
		woken := make(chan struct{}, 1)
		var watching sync.WaitGroup
		if watch := r.Jobs[i].Watch; watch != nil {
			watching.Go(func() { watch(term, waker(woken)) })
		}
		r.update(i, func(s *State) { s.queued, s.seen = false, r.now() })
		r.loop(term, i, r.goesOn(term, i), woken, func() {})
		watching.Wait()
		done()
	}
}

// goesOn is when a job runs that another process may have done so far: at once
// where its last run was cut off, and not before the time that was set after a
// failure.
func (r *Runner) goesOn(ctx context.Context, i int) time.Time {
	first := r.first(ctx, i)
	last, err := r.Recorder.LastRun(ctx, r.Jobs[i].Name, false)
	switch {
	case err != nil: // there is none, or it was said
	case last.Ended.IsZero():
		return r.now()
	case last.Retry.After(first):
		return last.Retry.In(r.Zone)
	}
	return first
}

// waker asks for a run; one that was asked for already is enough.
func waker(woken chan<- struct{}) func() {
	return func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
}

// now is the wall clock alone: the monotonic one does not show that the clock
// was set.
func (r *Runner) now() time.Time {
	now := time.Now
	if r.Now != nil {
		now = r.Now
	}
	return now().Round(0).In(r.Zone)
}

// follow waits until the jobs that were due at the start have run, but not
// longer than is reasonable; it tells whether ctx still runs.
func (r *Runner) follow(ctx context.Context, i int, led <-chan struct{}) bool {
	r.update(i, func(s *State) { s.queued = true })
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-led:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// loop runs one job whenever it is due, first at next, and when it is woken. It
// calls ran after each run.
func (r *Runner) loop(ctx context.Context, i int, next time.Time, woken <-chan struct{}, ran func()) {
	j := &r.Jobs[i]
	seen := r.now()
	for {
		now := r.now()
		if now.Before(seen.Add(-tick)) { // the clock was set back
			next = j.next(now)
		}
		seen = now
		r.update(i, func(s *State) { s.Next, s.seen = next, now })
		if wait := next.Sub(now); wait > 0 {
			timer := time.NewTimer(min(wait, tick))
			select {
			case <-timer.C:
			case <-woken:
				if r.failing(i) == 0 { // a provider's time is waited for
					next = now
				}
			case <-ctx.Done():
			}
			timer.Stop()
			if ctx.Err() != nil {
				return
			}
			continue
		}
		r.update(i, func(s *State) { s.queued = true })
		leave, ok := r.enter(ctx, j.Group)
		if !ok {
			return
		}
		next = r.once(ctx, i)
		leave()
		ran()
		if ctx.Err() != nil {
			return
		}
		seen = r.now()
	}
}

// enter waits until a job of a group may run, and says whether it may before ctx
// ended. It queues for its group first: who waits there keeps nobody else out.
func (r *Runner) enter(ctx context.Context, group string) (leave func(), ok bool) {
	var held []chan struct{}
	leave = func() {
		for _, slots := range held {
			<-slots
		}
	}
	for _, slots := range []chan struct{}{r.groups[group], r.slots} {
		if slots == nil { // of no group
			continue
		}
		select {
		case slots <- struct{}{}:
			held = append(held, slots)
		case <-ctx.Done():
			leave()
			return nil, false
		}
	}
	return leave, true
}

// first is when a job runs for the first time: now, when a run was missed.
func (r *Runner) first(ctx context.Context, i int) time.Time {
	j := &r.Jobs[i]
	now := r.now()
	due, err := Due(ctx, r.Recorder, j, now)
	due = due || j.AtStart
	if err != nil && ctx.Err() == nil {
		r.Log.Error("reading the last run failed", slog.String("job", j.Name.String()), slog.Any("err", err))
	}
	if due {
		if last, err := r.Recorder.LastRun(ctx, j.Name, false); err == nil { // else it is no catching up
			r.missed(i, last.Started, now)
		}
		return now
	}
	return j.next(now)
}

// mostMissed bounds the counting after years of standstill.
const mostMissed = 1000

// missed counts the runs that the schedule had after began and up to now.
func (r *Runner) missed(i int, began, now time.Time) {
	spec, n := r.Jobs[i].Spec, 0
	for t := spec.Next(began.In(now.Location())); !t.IsZero() && !t.After(now) && n < mostMissed; t = spec.Next(t) {
		n++
	}
	r.update(i, func(s *State) { s.Missed += n })
}

// once runs a job and says when to run it again.
func (r *Runner) once(ctx context.Context, i int) time.Time {
	j := &r.Jobs[i]
	began := r.now()
	r.update(i, func(s *State) { s.Running, s.queued = began, false })
	_, err := Do(ctx, r.Recorder, j, r.Log)
	now := r.now()
	r.missed(i, began, now)
	next := j.next(now)
	r.update(i, func(s *State) {
		s.Running, s.Err, s.seen = time.Time{}, err, now
		var partial *Partial
		if err == nil || errors.As(err, &partial) && harvest.RetryAfter(err) == 0 {
			s.backoff.Succeeded()
			return
		}
		if again := now.Add(s.backoff.Failed(err, rand.Float64())); again.After(next) { //nolint:gosec // spreads load, guards nothing
			next = again
		}
	})
	if err != nil && ctx.Err() == nil {
		if failed := r.Recorder.Postpone(ctx, j.Name, next); failed != nil {
			r.Log.Error("recording the next try failed", slog.String("job", j.Name.String()), slog.Any("err", failed))
		}
	}
	return next
}

func (r *Runner) update(i int, f func(*State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.states[i])
}

// failing counts a job's failed runs since the last good one.
func (r *Runner) failing(i int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.states[i].Failures()
}

// Failures counts the failed runs since the last good one.
func (s *State) Failures() int { return s.backoff.Failures() }

// States says how every job stands.
func (r *Runner) States() []State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.states)
}

func (r *Runner) running() []string {
	var names []string
	for _, s := range r.States() {
		if !s.Running.IsZero() {
			names = append(names, s.Job.String())
		}
	}
	return names
}

// Healthy fails when a loop no longer turns or a run has outlived its deadline,
// which a cancelled context alone could not end.
func (r *Runner) Healthy() error {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.states {
		switch {
		case !s.Running.IsZero() && s.deadline > 0 && now.Sub(s.Running) > s.deadline+r.Grace:
			return fmt.Errorf("job %s runs for %s, its deadline was %s", s.Job, now.Sub(s.Running), s.deadline)
		case s.Running.IsZero() && !s.queued && now.Sub(s.seen) > late:
			return fmt.Errorf("the loop of job %s last turned %s ago", s.Job, now.Sub(s.seen))
		}
	}
	return nil
}

// sleep waits, and tells whether ctx still runs.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
