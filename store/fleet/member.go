package fleet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"harvester/store/engine"
)

// Options say how a worker takes part.
type Options struct {
	Name    string            // for people; several workers may have one
	About   string            // the program's version
	Lease   time.Duration     // how long a lease lasts that is not renewed; 0: DefaultLease
	Wants   []string          // the leases that it can hold, Leader left out
	Config  map[string]string // a fingerprint for each part of its configuration that decides
	Changed bool              // the configuration was changed for all: it becomes that of the database
	Log     *slog.Logger
}

// DefaultLease is how long a lease lasts after its worker was heard last.
const DefaultLease = 20 * time.Second

// beats is how often a worker is heard while a lease lasts.
const beats = 6

// ErrGiven ends a term that is another worker's to go on with.
var ErrGiven = errors.New("the lease goes to another worker")

// Member is this process as one of the workers.
type Member struct {
	db   *engine.DB
	opts Options
	id   string

	mu      sync.Mutex
	terms   map[string]*term
	changed chan struct{} // closed with the next change of terms
	heard   time.Time     // when the last beat began that was heard
	differs []string      // parts of the configuration
	skew    time.Duration
	wake    chan struct{}

	outdated bool // the database is a newer program's; Run's alone
}

// term is a lease that is held.
type term struct {
	lease
	ctx    context.Context //nolint:containedctx // it is what the term is
	end    context.CancelCauseFunc
	users  int
	giving bool // it goes to another when its users have ended
}

// Join makes this process a worker. It holds nothing before its first beat.
func Join(ctx context.Context, db *engine.DB, o Options) (*Member, error) {
	if o.Lease == 0 {
		o.Lease = DefaultLease
	}
	m := &Member{db: db, opts: o, id: o.Name + " " + rand.Text()[:8], terms: map[string]*term{}, changed: make(chan struct{}), wake: make(chan struct{}, 1)}
	if err := m.agree(ctx); err != nil {
		return nil, err
	}
	return m, m.beat(ctx)
}

// Run is heard until ctx ends, and then gives everything back.
func (m *Member) Run(ctx context.Context) {
	every := m.opts.Lease / beats
	timer := time.NewTimer(every)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-m.wake:
		case <-ctx.Done():
			m.leave(ctx)
			return
		}
		m.expire()
		beating, cancel := context.WithTimeout(ctx, m.opts.Lease/2)
		err := m.beat(beating)
		cancel()
		switch newer := errors.Is(err, engine.ErrNewer); {
		case ctx.Err() != nil:
		case newer && !m.outdated:
			m.outdated = true
			m.opts.Log.ErrorContext(ctx, "this worker does nothing until it is upgraded and started again", slog.Any("err", err))
			m.leave(ctx)
		case err != nil && !newer:
			m.opts.Log.WarnContext(ctx, "the database did not hear this worker", slog.Any("err", err))
			if errors.Is(err, engine.ErrInUse) {
				m.lose()
			}
			m.expire()
		}
		timer.Reset(every)
	}
}

// leave gives back what is held, so that others need not wait for its end.
func (m *Member) leave(ctx context.Context) {
	m.lose()
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.opts.Lease/2)
	defer cancel()
	err := m.db.Beside(leaving, "leaving the workers", func(t *engine.Tx) error {
		if _, err := t.Exec(`DELETE FROM workers WHERE id = ?`, m.id); err != nil {
			return err
		}
		_, err := t.Exec(`UPDATE leases SET owner = '', until = `+Clock+` WHERE owner = ?`, m.id)
		return err
	})
	if err != nil {
		m.opts.Log.WarnContext(ctx, "the leases were not given back, they end by themselves", slog.Any("err", err))
	}
}

// beat is heard once: it renews what is held, and takes and gives what the
// distribution says.
func (m *Member) beat(ctx context.Context) error {
	if err := m.db.Hold(ctx); err != nil {
		return err
	}
	began := time.Now()
	var held map[string]int64
	var mine, given []string
	var skew time.Duration
	err := m.db.Beside(ctx, "telling that this worker lives", func(t *engine.Tx) (err error) {
		held, mine, given = nil, nil, nil
		if err := t.Current(); err != nil {
			return err
		}
		differs, err := Differing(t.Ctx, t.SQL, m.opts.Config)
		if err != nil {
			return err
		}
		m.follow(differs)
		if skew, err = m.tell(t); err != nil {
			return err
		}
		workers, err := alive(t)
		if err != nil {
			return err
		}
		now, err := owners(t)
		if err != nil {
			return err
		}
		for l, id := range assign(workers, now) {
			if id == m.id {
				mine = append(mine, l)
			}
		}
		given = m.given(mine)
		if err := release(t, m.id, given); err != nil {
			return err
		}
		if held, err = renew(t, m.id, m.opts.Lease); err != nil {
			return err
		}
		free := slices.DeleteFunc(slices.Clone(mine), func(l string) bool { return now[l] != "" })
		got, err := take(t, m.id, m.opts.Lease, free)
		for l, epoch := range got {
			held[l] = epoch
		}
		return err
	})
	if err != nil {
		return err
	}
	m.settle(began, held, mine, skew)
	return nil
}

// agree makes the configuration that of the database where that has none, or
// where it was changed for all.
func (m *Member) agree(ctx context.Context) error {
	if m.opts.Changed {
		return Adopt(ctx, m.db, m.opts.Config)
	}
	return adoptFirst(ctx, m.db, m.opts.Config)
}

// follow notes in what this worker differs.
func (m *Member) follow(differs []string) {
	m.mu.Lock()
	same := slices.Equal(m.differs, differs)
	m.differs = differs
	m.mu.Unlock()
	switch {
	case same:
	case len(differs) > 0:
		m.opts.Log.Warn("this worker does not judge, its configuration is not that of the others", slog.Any("differs", differs))
	default:
		m.opts.Log.Info("this worker may judge, its configuration is that of the others")
	}
}

// tell writes that this worker lives, and returns what its clock is ahead of the
// database's.
func (m *Member) tell(t *engine.Tx) (skew time.Duration, err error) {
	m.mu.Lock()
	wants, differs, was := slices.Clone(m.opts.Wants), m.differs, m.skew
	m.mu.Unlock()
	if len(differs) == 0 {
		wants = append(wants, Leader)
	}
	var texts [3]string
	for i, v := range []any{wants, m.opts.Config, append([]string{}, differs...)} {
		b, err := json.Marshal(v)
		if err != nil {
			return 0, err
		}
		texts[i] = string(b)
	}
	asked := m.db.Now()
	var now int64
	err = t.Row(`INSERT INTO workers (id, name, about, started, until, skew, wants, config, differs) VALUES (?, ?, ?, `+Clock+`, `+Clock+` + ?, ?, ?, ?, ?)
 ON CONFLICT (id) DO UPDATE SET until = excluded.until, skew = excluded.skew, wants = excluded.wants, differs = excluded.differs RETURNING `+Clock,
		[]any{m.id, m.opts.Name, m.opts.About, m.opts.Lease.Milliseconds(), was.Milliseconds(), texts[0], texts[1], texts[2]}, &now)
	if err != nil {
		return 0, err
	}
	answered := m.db.Now()
	_, err = t.Exec(`DELETE FROM workers WHERE until < `+Clock+` - ?`, remembered.Milliseconds())
	return asked.Add(answered.Sub(asked) / 2).Sub(time.UnixMilli(now)), err
}

// remembered is how long a worker is shown that ended without a word.
const remembered = 24 * time.Hour

// given are the leases that were another's to have and are done with.
func (m *Member) given(mine []string) (out []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, t := range m.terms {
		if !slices.Contains(mine, name) && t.users == 0 {
			out = append(out, name)
		}
	}
	return out
}

// settle brings the terms in line with what is held.
func (m *Member) settle(began time.Time, held map[string]int64, mine []string, skew time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard, m.skew = began, skew
	for name, t := range m.terms {
		switch epoch, ok := held[name]; {
		case !ok || epoch != t.epoch:
			t.end(fmt.Errorf("the lease %q: %w", name, ErrLost))
			delete(m.terms, name)
		case !slices.Contains(mine, name) && !t.giving:
			t.giving = true
			t.end(fmt.Errorf("the lease %q: %w", name, ErrGiven))
		}
	}
	for name, epoch := range held {
		if m.terms[name] == nil {
			t := &term{lease: lease{name, epoch}}
			t.ctx, t.end = context.WithCancelCause(context.Background())
			m.terms[name] = t
		}
	}
	m.tellChange()
}

func (m *Member) tellChange() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// expire ends all terms when the database has not heard this worker for as long
// as a lease lasts.
func (m *Member) expire() {
	m.mu.Lock()
	late := !m.heard.IsZero() && time.Since(m.heard) > m.opts.Lease
	m.mu.Unlock()
	if late {
		m.lose()
	}
}

func (m *Member) lose() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, t := range m.terms {
		t.end(fmt.Errorf("the lease %q: %w", name, ErrLost))
		delete(m.terms, name)
	}
	m.tellChange()
}

// Term waits until this worker holds a lease. It returns a context that ends
// with the lease, under which nothing is written once another has it, and what
// to call when all is done that was begun under it. It fails when ctx ends.
func (m *Member) Term(ctx context.Context, name string) (held context.Context, done func(), err error) {
	for {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		m.mu.Lock()
		t, changed := m.terms[name], m.changed
		if t != nil && !t.giving {
			t.users++
			m.mu.Unlock()
			held, done = m.under(ctx, t)
			return held, done, nil
		}
		m.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

func (m *Member) under(ctx context.Context, t *term) (held context.Context, done func()) {
	held, cancel := context.WithCancelCause(engine.Fenced(ctx, func(tx *engine.Tx) error { return check(tx, m.id, t.lease) }))
	stop := context.AfterFunc(t.ctx, func() { cancel(context.Cause(t.ctx)) })
	return held, func() {
		stop()
		cancel(nil)
		m.mu.Lock()
		t.users--
		giving := t.giving && t.users == 0
		m.mu.Unlock()
		if giving {
			select {
			case m.wake <- struct{}{}:
			default:
			}
		}
	}
}

// ID names this worker in the database.
func (m *Member) ID() string { return m.id }

// Differs are the parts of the configuration that are not those of the database,
// which keep this worker from judging.
func (m *Member) Differs() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.differs)
}
