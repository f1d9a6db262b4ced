package schedule

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"runtime/debug"
	"time"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/fleet"
	"harvester/store/job"
)

// Job is one thing that runs on a schedule.
type Job struct {
	Name     job.Name // its runs are recorded under it
	Group    string   // of which only a few run at a time, such as the mailboxes of one server; "" for none
	Spec     Spec
	Spread   time.Duration // each job starts later by its own share of it, so that not all start together
	Deadline time.Duration // a run is cancelled after it
	AtOnce   bool          // a job that never ran does not wait for its schedule
	AtStart  bool          // it runs whenever the daemon starts
	Basis    job.Name      // for one that does: the job whose last run stands in for its own until it has one
	Follows  bool          // due at the start, it waits for those that don't follow: what they bring belongs into it
	// Run does the work. Its detail is one line for people.
	Run func(ctx context.Context) (detail string, err error)
	// Watch, if not nil, calls wake when a run is worth while before its time,
	// until ctx ends.
	Watch func(ctx context.Context, wake func())
}

// Partial is the error of a run that did the main part of its work: something
// is to be mended, but the job keeps to its schedule.
type Partial struct{ Err error }

func (p *Partial) Error() string { return p.Err.Error() }
func (p *Partial) Unwrap() error { return p.Err }

// next is when the job runs after t: by its schedule, and its own share of
// Spread later, at most a tenth of the time between two runs.
func (j *Job) next(t time.Time) time.Time {
	next := j.Spec.Next(t)
	return next.Add(j.share(min(j.Spread, j.Spec.Next(next).Sub(next)/10)))
}

// share is the job's own share of a span, always the same.
func (j *Job) share(of time.Duration) time.Duration {
	if of <= 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(j.Name.String()))
	return time.Duration(h.Sum64() % uint64(of))
}

// Recorder remembers runs. facts.Runs is one.
type Recorder interface {
	BeginRun(ctx context.Context, j job.Name) (int64, error)
	EndRun(ctx context.Context, id int64, detail string, failure error) error
	LastRun(ctx context.Context, j job.Name, succeeded bool) (facts.Run, error)
	// Postpone records when a job that failed is run again.
	Postpone(ctx context.Context, j job.Name, until time.Time) error
}

// recordTime bounds the writing down of how a run ended, which has to happen
// also when the run was cancelled.
const recordTime = 10 * time.Second

// Do runs a job once, within its deadline, and records how it ended. A panic
// of the job is an error of this run. A failure that only repeats the last is no
// news to the log.
func Do(ctx context.Context, rec Recorder, j *Job, log *slog.Logger) (detail string, err error) {
	last, err := rec.LastRun(ctx, j.Name, false)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return "", err
	}
	id, err := rec.BeginRun(ctx, j.Name)
	if err != nil {
		return "", err
	}
	started := time.Now()
	detail, err = j.guarded(ctx)
	failure := err
	switch {
	case errors.Is(err, fleet.ErrLost) || errors.Is(context.Cause(ctx), fleet.ErrLost):
		detail, failure = "stopped: another worker has taken over; "+detail, nil
	case ctx.Err() != nil && errors.Is(err, context.Canceled): // stopped by us: no fault to report
		detail, failure = "stopped; "+detail, nil
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if failed := rec.EndRun(after, id, detail, failure); failed != nil {
		err = errors.Join(err, failed)
	}
	attrs := []any{slog.String("job", j.Name.String()), slog.Duration("duration", time.Since(started).Round(time.Millisecond)), slog.String("detail", detail)}
	switch {
	case failure == nil:
		log.Info("job done", attrs...)
	case !last.OK && last.Detail == failure.Error():
		log.Info("job failed as before", append(attrs, slog.Any("err", failure))...)
	default:
		log.Error("job failed", append(attrs, slog.Any("err", failure))...)
	}
	return detail, err
}

func (j *Job) guarded(ctx context.Context) (detail string, err error) {
	if j.Deadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, j.Deadline, fmt.Errorf("not done within %s", j.Deadline))
		defer cancel()
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic, please report: %v\n%s", p, debug.Stack())
		} else if cause := context.Cause(ctx); err != nil && errors.Is(err, context.DeadlineExceeded) && cause != nil {
			err = fmt.Errorf("%w (%w)", cause, err)
		}
	}()
	return j.Run(ctx)
}

// Due tells whether a run of the job is owed at now: none was yet and the job
// doesn't wait for one, or the schedule had one since the last began.
func Due(ctx context.Context, rec Recorder, j *Job, now time.Time) (bool, error) {
	last, err := rec.LastRun(ctx, j.Name, false)
	if errors.Is(err, engine.ErrNotFound) && !j.AtOnce && j.Basis != (job.Name{}) {
		last, err = rec.LastRun(ctx, j.Basis, false)
	}
	if errors.Is(err, engine.ErrNotFound) {
		return j.AtOnce, nil
	}
	if err != nil {
		return false, err
	}
	next := j.Spec.Next(last.Started.In(now.Location()))
	// A last run in the future is that of a clock that was set back.
	return !next.IsZero() && !next.After(now) || last.Started.After(now.Add(time.Hour)), nil
}
