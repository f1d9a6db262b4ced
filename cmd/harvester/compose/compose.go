package compose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"harvester/cmd/harvester/config"
	"harvester/harvest/auth"
	"harvester/parse"
	"harvester/parse/count"
	"harvester/parse/envelope"
	"harvester/parse/rules"
	"harvester/schedule"
	"harvester/schedule/keyring"
	"harvester/store"
	"harvester/store/engine"
	"harvester/store/fleet"
	"harvester/store/job"
)

// Options say how the database is used.
type Options struct {
	Owner    string            // takes the lease of the database and of the mailboxes under this name, and judges
	Worker   bool              // with Owner: one of several where the database is one of a server
	Was      map[string]string // Fingerprints before a reload: what changed since changes for all workers
	Version  string            // of the program, shown beside a worker
	Judges   bool              // events are stored or judged anew: the keys of the return paths must be readable
	ReadOnly bool
	Now      func() time.Time // the clock of the database; nil: the system's
	Meter    schedule.Meter   // counts what harvests do; nil: nobody
	Log      *slog.Logger     // nil: discard
}

// Set is a configuration at work.
type Set struct {
	Config *config.Config
	DB     *store.DB
	Log    *slog.Logger

	rules       *rules.Set                         // nil: the built-in ones, which are compiled when they are asked for
	tokens      map[config.Name]*auth.CachedTokens // what is open on a mailbox shares them
	returnPaths []*envelope.VERP
	keys        *keyring.Ring // nil where nothing is judged
	claims      claims
	member      *fleet.Member // nil: it works alone
	meter       schedule.Meter
	memory      *schedule.Memory

	hookDeadline time.Duration
}

// The hard deadlines. A harvest that is cut off goes on where it was.
const (
	harvestDeadline = time.Hour        // a harvest, a check of the list
	fileDeadline    = 15 * time.Minute // a file of an export or report
	hookDeadline    = time.Minute      // a command after a change of a file
	pushDeadline    = 12 * time.Hour   // the first of a long list, told one by one
)

// inHand is what the messages of all mailboxes may take while they are read
// and understood. Go's heap is up to twice what lives on it.
const inHand = 24 << 20

// spread keeps many mailboxes of one schedule from signing in together.
const spread = 20 * time.Second

// Open reads the rules and opens the database.
func Open(ctx context.Context, c *config.Config, o Options) (*Set, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	var set *rules.Set
	var err error
	if c.RulesDir != "" { // what is wrong with them is said now
		if set, err = Rules(c.RulesDir); err != nil {
			return nil, err
		}
	}
	opts := store.Options{Own: c.Own(), Policy: c.Table, Streams: c.StoreStreams(), Limits: c.Breaker, Synchronised: ClockSynchronised, Trust: c.Trust(), Limited: c.Limited(), Now: o.Now, Owner: o.Owner, ReadOnly: o.ReadOnly, Log: o.Log}
	if !o.ReadOnly {
		// An operator's act needs no keys, and he may not be allowed to read them.
		opts.ReturnPaths, opts.BATV, err = c.ReturnPaths(ctx)
		if opts.KeysUnread = err != nil; opts.KeysUnread && (o.Judges || o.Owner != "") {
			return nil, fmt.Errorf("reading the keys of the return paths: %w", err)
		}
	}
	at, err := c.Store.Place(ctx)
	if err != nil {
		return nil, err
	}
	shared := c.Store.URL != ""
	if shared {
		opts.Config, opts.Shared = fingerprints(c, set, &opts), o.Worker
	}
	db, err := store.Open(ctx, at, opts)
	if err != nil {
		return nil, err
	}
	if !o.ReadOnly {
		if err := follow(ctx, db, o, opts.Config); err != nil {
			return nil, errors.Join(fmt.Errorf("opening database %s: %w", db.Path(), err), db.Close())
		}
	}
	s := &Set{Config: c, DB: db, rules: set, Log: o.Log, meter: o.Meter, memory: schedule.NewMemory(inHand), hookDeadline: hookDeadline, returnPaths: opts.ReturnPaths, tokens: map[config.Name]*auth.CachedTokens{}}
	if shared && o.Worker {
		if err := s.join(ctx, o, opts.Config); err != nil {
			return nil, errors.Join(fmt.Errorf("opening database %s: %w", db.Path(), err), db.Close())
		}
	} else if o.Owner != "" {
		if err := s.healSmall(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("opening database %s: %w", db.Path(), err), db.Close())
		}
		if s.claims, err = claim(ctx, c.Store.Path, c.Mailboxes, o.Owner, o.Log); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	if o.Judges || o.Owner != "" {
		if s.keys, err = ring(ctx, c, db, o.Log); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	for i := range c.Mailboxes {
		m := &c.Mailboxes[i]
		s.tokens[m.Name] = Tokens(c, m)
	}
	return s, nil
}

// Rules are the active rules.
func (s *Set) Rules() *rules.Set {
	if s.rules != nil {
		return s.rules
	}
	return rules.Builtin()
}

// RulesVersion is that of the active rules. Asking compiles none.
func (s *Set) RulesVersion() string {
	if s.rules != nil {
		return s.rules.Version()
	}
	return rules.BuiltinVersion()
}

// Rules is the built-in rule pack with the rules of a folder laid over it.
func Rules(dir string) (*rules.Set, error) {
	if dir == "" {
		return rules.Builtin(), nil
	}
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRules, err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%w: %s is not a directory", ErrRules, dir)
	}
	set, err := rules.Load(rules.Builtin(), os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRules, err)
	}
	return set, nil
}

// ErrRules tells that the folder of rules can't be read.
var ErrRules = errors.New("reading rules")

// TokenExpiries says when the access token of each mailbox ends, of those that
// have one.
func (s *Set) TokenExpiries() map[string]time.Time {
	out := map[string]time.Time{}
	for name, t := range s.tokens {
		if t == nil {
			continue
		}
		if at := t.Expiry(); !at.IsZero() {
			out[string(name)] = at
		}
	}
	return out
}

// Close closes the database and leaves the mailboxes to others.
func (s *Set) Close() error {
	s.claims.release()
	return s.DB.Close()
}

// Parsing is how this configuration parses mail.
func (s *Set) Parsing() *parse.Options {
	o := &parse.Options{Rules: s.Rules(), OwnDomains: s.Config.Own(), ReturnPaths: s.returnPaths, Trust: s.Config.Trust()}
	if s.keys != nil {
		o.Keys = s.keys.Keys
	}
	return o
}

// Mailbox is a configured mailbox, ready to be harvested. A dry one changes
// nothing, neither in the database nor on the server.
func (s *Set) Mailbox(m *config.Mailbox, dry bool) *schedule.Mailbox {
	return &schedule.Mailbox{
		Name:   string(m.Name),
		Source: source(m, s.tokens[m.Name], dry, s.Log),
		Store:  s.DB, Parse: s.Parsing(), Settling: settling(m), Sent: m.Holds == config.HoldsSent, Dry: dry, Meter: s.meter, Memory: s.memory, Log: s.Log,
	}
}

// Harvests are the jobs of the mailboxes, in the order of the configuration.
func (s *Set) Harvests() []schedule.Job {
	var jobs []schedule.Job
	for i := range s.Config.Mailboxes {
		m := &s.Config.Mailboxes[i]
		box := sync.OnceValue(func() *schedule.Mailbox { return s.Mailbox(m, false) }) // who only asks for the jobs needs no rules
		jobs = append(jobs, schedule.Job{
			Name: HarvestName(m), Group: string(m.Server), Spec: m.Schedule, Spread: spread, Deadline: harvestDeadline, AtOnce: true,
			Watch: s.watch(m),
			Run: func(ctx context.Context) (string, error) {
				tally, err := box().Run(ctx)
				if s.member == nil { // else the leader does
					_, failed := s.UpdateRates(ctx)
					err = errors.Join(err, failed)
				}
				if err != nil && tally.Read == 0 {
					return "", err
				}
				return tally.String(), err
			},
		})
	}
	return jobs
}

// HarvestName is the name of the job that harvests a mailbox.
func HarvestName(m *config.Mailbox) job.Name { return job.Harvest.Of(string(m.Name)) }

// watch asks for a harvest when the server tells of new mail; nil where it is
// not wanted, or can't be. Its connection is for reading only.
func (s *Set) watch(m *config.Mailbox) func(context.Context, func()) {
	if m.Type != config.IMAP || !m.Idle {
		return nil
	}
	return func(ctx context.Context, wake func()) {
		schedule.Watch(ctx, string(m.Name), source(m, s.tokens[m.Name], true, s.Log), wake, s.Log)
	}
}

// Files are the jobs besides: the logs of what was sent, the exports, the
// report, dropping what is too old, and the alarms.
func (s *Set) Files() []schedule.Job {
	var jobs []schedule.Job
	var basis job.Name // without it, a pass by cron would never owe the first report
	if len(s.Config.Mailboxes) > 0 {
		basis = HarvestName(&s.Config.Mailboxes[0])
	}
	for i := range s.Config.Exports {
		e := &s.Config.Exports[i]
		jobs = append(jobs, schedule.Job{
			Name: job.Export.Of(string(e.Name)), Spec: e.Schedule, Deadline: fileDeadline, AtOnce: true, Follows: true,
			Run: func(ctx context.Context) (string, error) {
				res, err := s.Export(ctx, e)
				if err != nil && !res.Changed {
					return "", err
				}
				return res.String(), err
			},
		})
	}
	jobs = append(s.Logs(), jobs...)
	jobs = append(jobs, s.pushes()...)
	jobs = append(jobs, s.watchRecords()...)
	jobs = append(jobs, s.reports(basis)...)
	nightly, err := schedule.ParseSpec(everyNight)
	if err != nil {
		panic(err) // it is a constant
	}
	afterwards, err := schedule.ParseSpec(afterRetention)
	if err != nil {
		panic(err) // as above
	}
	beforehand, err := schedule.ParseSpec(beforeRetention)
	if err != nil {
		panic(err) // as above
	}
	return append(jobs, schedule.Job{
		Name: job.Check.Alone(), Spec: beforehand, Deadline: harvestDeadline, Basis: basis, AtStart: true, Run: s.check,
	}, schedule.Job{
		Name: job.Vacuum.Alone(), Spec: afterwards, Deadline: harvestDeadline, Basis: basis,
		Run: func(ctx context.Context) (string, error) {
			space, err := s.DB.Space(ctx)
			if err != nil || !space.Worthwhile() {
				return fmt.Sprintf("%d of %d MB are free, left as it is", space.Free>>20, space.Bytes>>20), err
			}
			_, err = s.DB.Vacuum(ctx)
			return fmt.Sprintf("gave back %d of %d MB", space.Free>>20, space.Bytes>>20), err
		},
	}, schedule.Job{
		Name: job.Retention.Alone(), Spec: nightly, Deadline: fileDeadline, Basis: basis,
		Run: func(ctx context.Context) (string, error) {
			if err := s.DB.Judge.MayDecide(ctx); errors.Is(err, engine.ErrStopped) {
				return "dropped nothing: " + err.Error(), nil
			} else if err != nil {
				return "", err
			}
			gone, err := s.DB.Upkeep.Retain(ctx, s.Config.Retention)
			return fmt.Sprintf("dropped %s, %s, %s, %s", count.Of(gone.Raws, "original"), count.Of(gone.Diagnostics, "reply"), count.Of(gone.Messages, "name"), count.Of(gone.Runs, "run")), err
		},
	}, s.alarm())
}

// everyNight is when what is too old is dropped.
const everyNight = "30 3 * * *"

// beforeRetention is when the list is held against the facts.
const beforeRetention = "0 3 * * *"

// afterRetention is when the room that it left is given back, if it is much.
const afterRetention = "0 4 * * *"

// ErrNoMailbox tells that there is nothing to harvest.
var ErrNoMailbox = errors.New("no mailbox is configured")
