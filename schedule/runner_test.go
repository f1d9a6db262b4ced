package schedule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"harvester/harvest"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/job"
)

// memory is a Recorder that forgets with the test.
type memory struct {
	mu   sync.Mutex
	runs []facts.Run
}

func (m *memory) BeginRun(_ context.Context, j job.Name) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs = append(m.runs, facts.Run{ID: int64(len(m.runs)), Job: j, Started: time.Now()})
	return int64(len(m.runs) - 1), nil
}

func (m *memory) EndRun(_ context.Context, id int64, detail string, failure error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[id].Ended, m.runs[id].OK, m.runs[id].Detail = time.Now(), failure == nil, detail
	if failure != nil {
		m.runs[id].Detail = failure.Error()
	}
	return nil
}

func (m *memory) Postpone(_ context.Context, j job.Name, until time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, r := range slices.Backward(m.runs) {
		if r.Job == j {
			m.runs[i].Retry = until
			return nil
		}
	}
	return engine.ErrNotFound
}

func (m *memory) LastRun(_ context.Context, j job.Name, succeeded bool) (facts.Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range slices.Backward(m.runs) {
		if r.Job == j && (r.OK || !succeeded) {
			return r, nil
		}
	}
	return facts.Run{}, engine.ErrNotFound
}

// starts are the times at which a job began, as minutes and seconds since the
// start of the bubble.
func (m *memory) starts(name string, zero time.Time) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, r := range m.runs {
		if r.Job == named(name) {
			out = append(out, r.Started.Sub(zero).String())
		}
	}
	return strings.Join(out, " ")
}

func spec(t *testing.T, s string) Spec {
	t.Helper()
	out, err := ParseSpec(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// during runs the jobs for a while of the bubble's time and then stops them.
func during(t *testing.T, d time.Duration, m *memory, jobs ...Job) *Runner {
	t.Helper()
	r := &Runner{Jobs: jobs, Recorder: m, Zone: time.UTC, Parallel: 4, Grace: 30 * time.Second, Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := r.Run(ctx); err != nil {
		t.Error(err)
	}
	return r
}

func TestRunnerFollowsTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero, m := time.Now(), &memory{} // midnight
		ok := func(context.Context) (string, error) { return "fine", nil }
		during(t, 16*time.Minute, m,
			Job{Name: named("waits"), Spec: spec(t, "*/5 * * * *"), Run: ok},
			Job{Name: named("at once"), Spec: spec(t, "*/5 * * * *"), Run: ok, AtOnce: true})
		if got := m.starts("waits", zero); got != "5m0s 10m0s 15m0s" {
			t.Errorf("waits: %s", got)
		}
		if got := m.starts("at once", zero); got != "0s 5m0s 10m0s 15m0s" {
			t.Errorf("at once: %s", got)
		}
	})
}

// A run that takes longer than its interval is not overtaken by another; what
// it missed is not made up for.
func TestRunnerNeverOverlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero, m := time.Now(), &memory{}
		during(t, 30*time.Minute, m, Job{Name: named("slow"), Spec: spec(t, "*/5 * * * *"), Run: func(ctx context.Context) (string, error) {
			sleep(ctx, 12*time.Minute)
			return "", nil
		}})
		if got := m.starts("slow", zero); got != "5m0s 20m0s" {
			t.Error(got)
		}
	})
}

func TestRunnerCatchesUpOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero := time.Now()
		m := &memory{runs: []facts.Run{{Job: named("daily"), Started: zero.Add(-80 * time.Hour), OK: true}, {Job: named("fresh"), Started: zero.Add(-time.Minute), OK: true}}}
		m.runs[1].ID = 1
		run := func(context.Context) (string, error) { return "", nil }
		during(t, 2*time.Hour, m, Job{Name: named("daily"), Spec: spec(t, "10 6 * * *"), Run: run}, Job{Name: named("fresh"), Spec: spec(t, "10 6 * * *"), Run: run})
		if got := m.starts("daily", zero); got != "-80h0m0s 0s" {
			t.Errorf("daily: %s", got)
		}
		if got := m.starts("fresh", zero); got != "-1m0s" {
			t.Errorf("fresh: %s", got)
		}
	})
}

// A job that never ran and waits for its schedule is owed a run as soon as the
// schedule had one since its basis ran, also by passes that come and go.
func TestDueByItsBasis(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.DateTime, "2026-11-03 "+s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	j := &Job{Name: named("report"), Spec: spec(t, "10 6 * * *"), Basis: named("harvest")}
	for _, tt := range []struct {
		basis, own, now string
		want            bool
	}{
		{"", "", "07:00:00", false},
		{"06:00:00", "", "06:09:59", false},
		{"06:00:00", "", "06:10:00", true},
		{"06:20:00", "", "07:00:00", false},
		{"06:00:00", "06:10:01", "07:00:00", false},
	} {
		m := &memory{}
		if tt.basis != "" {
			m.runs = append(m.runs, facts.Run{Job: named("harvest"), Started: at(tt.basis), OK: true})
		}
		if tt.own != "" {
			m.runs = append(m.runs, facts.Run{Job: named("report"), Started: at(tt.own), OK: true})
		}
		if got, err := Due(t.Context(), m, j, at(tt.now)); err != nil || got != tt.want {
			t.Errorf("%+v: got %v, %v", tt, got, err)
		}
	}
}

func TestRunnerSurvivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero, m := time.Now(), &memory{}
		during(t, 11*time.Minute, m, Job{Name: named("bad"), Spec: spec(t, "*/5 * * * *"), Run: func(context.Context) (string, error) { panic("boom") }})
		if got := m.starts("bad", zero); got != "5m0s 10m0s" {
			t.Error(got)
		}
		if d := m.runs[0].Detail; m.runs[0].OK || !strings.Contains(d, "panic, please report: boom") {
			t.Errorf("recorded: %q", d)
		}
	})
}

func TestRunnerEndsARunAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		during(t, 6*time.Minute, m, Job{Name: named("mute"), Spec: spec(t, "*/5 * * * *"), Deadline: 10 * time.Second, Run: func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", fmt.Errorf("reading: %w", ctx.Err())
		}})
		if r := m.runs[0]; r.Ended.Sub(r.Started) != 10*time.Second || !strings.HasPrefix(r.Detail, "not done within 10s") {
			t.Errorf("%+v", r)
		}
	})
}

// Failures push the next run back, the longer the more there were; what only
// an operator can mend waits an hour.
func TestRunnerBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero, m := time.Now(), &memory{}
		down := errors.New("connection refused")
		during(t, 4*time.Hour, m,
			Job{Name: named("down"), Spec: spec(t, "* * * * *"), Run: func(context.Context) (string, error) { return "", down }},
			Job{Name: named("login"), Spec: spec(t, "* * * * *"), Run: func(context.Context) (string, error) { return "", harvest.ErrAuth }})
		if got := m.starts("login", zero); got != "1m0s 1h1m0s 2h1m0s 3h1m0s" {
			t.Errorf("login: %s", got)
		}
		if last, err := m.LastRun(t.Context(), named("login"), false); err != nil || last.Retry.Sub(zero) != 4*time.Hour+time.Minute {
			t.Errorf("login is tried again at %s, %v", last.Retry, err)
		}
		if n := len(strings.Fields(m.starts("down", zero))); n < 8 || n > 60 {
			t.Errorf("down was tried %d times in four hours", n)
		}
	})
}

func TestRunnerStopsGracefully(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		during(t, 61*time.Second, m, Job{Name: named("busy"), Spec: spec(t, "* * * * *"), Run: func(ctx context.Context) (string, error) {
			<-ctx.Done()
			time.Sleep(20 * time.Second) // finishes what is in hand
			return "finished", nil
		}})
		if r := m.runs[0]; !r.OK || r.Detail != "finished" {
			t.Errorf("%+v", r)
		}
	})
}

func TestRunnerNamesWhatDoesNotStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Runner{Recorder: &memory{}, Zone: time.UTC, Grace: 30 * time.Second, Log: slog.New(slog.DiscardHandler),
			Jobs: []Job{{Name: named("stuck"), AtOnce: true, Deadline: time.Minute, Run: func(context.Context) (string, error) { time.Sleep(time.Hour); return "", nil }}}}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		if err := r.Run(ctx); err == nil || err.Error() != "still running after 30s: stuck" {
			t.Error(err)
		}
		if err := r.Healthy(); err == nil || !strings.Contains(err.Error(), "job stuck runs for 2m30s, its deadline was 1m0s") {
			t.Error(err)
		}
		time.Sleep(time.Hour)
	})
}

// The clock of a machine that wakes up or is corrected jumps.
func TestRunnerNoticesAClockThatWasSet(t *testing.T) {
	for _, tt := range []struct {
		jump time.Duration
		want string
	}{
		{6 * time.Hour, "20m0s"},                // forward: at the next look, once
		{-48 * time.Hour, "5h0m0s"},             // back over days: by the new clock, not two days later
		{-10 * time.Second, "5h0m10s"},          // a correction
		{4*time.Hour + 40*time.Minute, "20m0s"}, // to the very moment
	} {
		t.Run(tt.jump.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				zero, m := time.Now(), &memory{}
				now := func() time.Time {
					if t := time.Now(); t.Sub(zero) >= 20*time.Minute {
						return t.Add(tt.jump)
					}
					return time.Now()
				}
				r := &Runner{Recorder: m, Zone: time.UTC, Grace: time.Second, Log: slog.New(slog.DiscardHandler), Now: now,
					Jobs: []Job{{Name: named("daily"), Spec: spec(t, "0 5 * * *"), Run: func(context.Context) (string, error) { return "", nil }}}}
				ctx, cancel := context.WithTimeout(t.Context(), 6*time.Hour)
				defer cancel()
				if err := r.Run(ctx); err != nil {
					t.Error(err)
				}
				if got := m.starts("daily", zero); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
			})
		})
	}
}

func TestHealthyWhileJobsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Runner{Recorder: &memory{}, Zone: time.UTC, Parallel: 1, Grace: time.Second, Log: slog.New(slog.DiscardHandler)}
		for i := range 5 {
			r.Jobs = append(r.Jobs, Job{Name: named(fmt.Sprint(i)), Spec: spec(t, "*/3 * * * *"), Deadline: 20 * time.Minute, Run: func(ctx context.Context) (string, error) {
				sleep(ctx, 10*time.Minute)
				return "", nil
			}})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
		defer cancel()
		go func() {
			for sleep(ctx, 17*time.Second) {
				if err := r.Healthy(); err != nil {
					t.Error(err)
					cancel()
				}
			}
		}()
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
}

// Many mailboxes of one server that went silent don't keep those of others
// waiting.
func TestSilentServerHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero, m := time.Now(), &memory{}
		var mu sync.Mutex
		silent, most := 0, 0
		var jobs []Job
		for i := range 200 {
			j := Job{Name: named(fmt.Sprint(i)), Group: "good", Spec: spec(t, "*/10 * * * *"), AtOnce: true, Run: func(ctx context.Context) (string, error) {
				sleep(ctx, time.Second)
				return "", nil
			}}
			if i < 100 { // they come first
				j.Group = "silent"
				j.Run = func(ctx context.Context) (string, error) {
					mu.Lock()
					silent++
					most = max(most, silent)
					mu.Unlock()
					sleep(ctx, time.Minute)
					mu.Lock()
					silent--
					mu.Unlock()
					return "", errors.New("silence")
				}
			}
			jobs = append(jobs, j)
		}
		r := &Runner{Jobs: jobs, Recorder: m, Zone: time.UTC, Parallel: 32, Grace: 30 * time.Second, Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
		if most != groupParallel {
			t.Errorf("%d mailboxes of one server at a time", most)
		}
		for i := 100; i < 200; i++ {
			if last, err := m.LastRun(t.Context(), named(fmt.Sprint(i)), true); err != nil || last.Started.Sub(zero) > 15*time.Second {
				t.Errorf("job %d: %+v, %v", i, last, err)
			}
		}
	})
}

// A job that is woken runs before its time; one that fails waits as long as it
// would have.
func TestWatchWakesTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero, m := time.Now(), &memory{}
		broken := false
		during(t, 170*time.Minute, m, Job{
			Name: named("woken"), Spec: spec(t, "0 * * * *"),
			Run: func(context.Context) (string, error) {
				if broken {
					return "", &harvest.Fault{Step: "signing in", Kind: harvest.ErrAuth}
				}
				return "", nil
			},
			Watch: func(ctx context.Context, wake func()) {
				for _, at := range []time.Duration{10 * time.Minute, 40 * time.Minute, 70 * time.Minute, 80 * time.Minute} {
					sleep(ctx, at-time.Since(zero))
					broken = at == 70*time.Minute
					wake()
				}
				<-ctx.Done()
			},
		})
		// At 1:10 it fails, and is left alone for an hour.
		if got := m.starts("woken", zero); got != "10m0s 40m0s 1h0m0s 1h10m0s 2h10m0s" {
			t.Error(got)
		}
	})
}

// Any number of mailboxes keeps a bounded number of connections waiting, and
// all end with the runner.
func TestWatchesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun, ended atomic.Int32
		jobs := make([]Job, 2*mostWatches)
		for i := range jobs {
			jobs[i] = Job{
				Name: named(fmt.Sprint(i)), Spec: spec(t, "0 0 1 1 *"), Run: func(context.Context) (string, error) { return "", nil },
				Watch: func(ctx context.Context, _ func()) {
					begun.Add(1)
					<-ctx.Done()
					ended.Add(1)
				},
			}
		}
		during(t, time.Hour, &memory{}, jobs...)
		if begun.Load() != mostWatches || ended.Load() != mostWatches {
			t.Errorf("%d begun, %d ended", begun.Load(), ended.Load())
		}
	})
}

// talker is a source that tells of new mail twice and then breaks.
type talker struct {
	mailserver
	opened int
	says   int
}

func (s *talker) Open(context.Context) (harvest.Session, error) {
	s.opened++
	s.says = 0
	return s, nil
}

func (s *talker) Wait(context.Context, string) error {
	if s.says++; s.says > 2 {
		return errors.New("connection reset")
	}
	return nil
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		Watch(t.Context(), "box", &mailserver{order: []string{"INBOX"}}, func() { t.Error("woken by nobody") }, slog.New(slog.DiscardHandler))

		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		s, woken := &talker{mailserver: mailserver{order: []string{"INBOX"}}}, 0
		Watch(ctx, "box", s, func() { woken++ }, slog.New(slog.DiscardHandler))
		// It comes back again and again, later and later, and each time asks for
		// what came meanwhile.
		if s.opened < 3 || s.opened > 40 || woken != 2*s.opened {
			t.Errorf("opened %d times, woken %d times", s.opened, woken)
		}
	})
}

// A folder that is missing, or a server that won't move mail, is an error of the
// run and does not slow the harvest down; the log says it once.
func TestPartialFailureKeepsTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero, m, log := time.Now(), &memory{}, &bytes.Buffer{}
		r := &Runner{
			Jobs: []Job{{
				Name: named("partial"), Spec: spec(t, "*/10 * * * *"),
				Run: func(context.Context) (string, error) {
					return "1 read", &Partial{&harvest.Fault{Step: "moving messages", Kind: harvest.ErrFolder}}
				},
			}},
			Recorder: m, Zone: time.UTC, Parallel: 1, Grace: time.Second, Log: slog.New(slog.NewTextHandler(log, nil)),
		}
		ctx, cancel := context.WithTimeout(t.Context(), 35*time.Minute)
		defer cancel()
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
		if got := m.starts("partial", zero); got != "10m0s 20m0s 30m0s" || r.States()[0].Err == nil {
			t.Error(got, r.States())
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != 1 || strings.Count(log.String(), "failed as before") != 2 {
			t.Errorf("%d errors in\n%s", n, log)
		}
	})
}

// A file that is due at the start is written after the harvests that are due
// then: it would be empty on the first day, and stale until its next run. A
// harvest that takes very long does not keep it waiting for ever.
func TestFollowersWaitForTheFirstRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero, m := time.Now(), &memory{}
		lasts := func(d time.Duration) func(context.Context) (string, error) {
			return func(ctx context.Context) (string, error) {
				sleep(ctx, d)
				return "", nil
			}
		}
		every := spec(t, "*/30 * * * *")
		during(t, 40*time.Minute, m,
			Job{Name: named("harvest a"), Spec: every, Run: lasts(time.Minute), AtOnce: true},
			Job{Name: named("harvest b"), Spec: every, Run: lasts(2 * time.Minute), AtOnce: true},
			Job{Name: named("later"), Spec: every, Run: lasts(0)}, // not due, so not waited for
			Job{Name: named("file"), Spec: every, Run: lasts(0), AtOnce: true, Follows: true})
		if got := m.starts("file", zero); got != "2m0s 30m0s" {
			t.Errorf("file: %s", got)
		}
		zero, m = time.Now(), &memory{}
		during(t, 10*time.Minute, m,
			Job{Name: named("harvest"), Spec: every, Run: lasts(time.Hour), AtOnce: true},
			Job{Name: named("file"), Spec: every, Run: lasts(0), AtOnce: true, Follows: true})
		if got := m.starts("file", zero); got != patience.String() {
			t.Errorf("file beside a long harvest: %s", got)
		}
	})
}

func TestMissedRunsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		zero := time.Now()
		m := &memory{runs: []facts.Run{{Job: named("daily"), Started: zero.Add(-80 * time.Hour), OK: true}}}
		r := during(t, 30*time.Minute, m,
			Job{Name: named("daily"), Spec: spec(t, "10 6 * * *"), Run: func(context.Context) (string, error) { return "", nil }},
			Job{Name: named("slow"), Spec: spec(t, "*/5 * * * *"), Run: func(ctx context.Context) (string, error) {
				sleep(ctx, 12*time.Minute)
				return "", nil
			}})
		for i, want := range []int{3, 4} { // 06:10 of three days; :10, :15 and :25, :30
			if s := r.States()[i]; s.Missed != want {
				t.Errorf("%s missed %d runs, want %d", s.Job, s.Missed, want)
			}
		}
	})
}

// named is a job of a kind that only these tests have.
func named(word string) job.Name { return job.Kind(word).Alone() }
