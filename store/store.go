// Package store is the door to everything that is kept: one SQLite file, or one
// database of a PostgreSQL server, parted into rooms of which none knows those above it.
//
//	store    opens the file and hands out the rooms
//	upkeep   forgets, removes what is too old, looks for contradictions
//	query    reads: the list, why it is so, notices, incidents, figures
//	judge    what follows from the facts: windows, verdicts, the guard, rates
//	facts    what was harvested, sent, published and decided by operators
//	fleet    several workers on one server: who is there, and who may do what
//	engine   the database: schema, transactions, copies
//
// All SQL of the program stands in these rooms. Facts are written once and
// never change their meaning; what follows from them is a pure fold (package
// policy) and can be recomputed at any time. Opening decides nothing: who
// wants the list to follow the configuration calls Judge.Follow.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"harvester/parse/envelope"
	"harvester/parse/origin"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/fleet"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
	"harvester/store/upkeep"
)

// Options say how a database is used.
type Options struct {
	Now      func() time.Time // default time.Now
	Own      []string         // domains that we send as; what stands below them is ours too
	Policy   policy.Table     // the zero table is the default policy
	Owner    string           // of the daemon's lease, shown to a second one; "" takes no lease
	Shared   bool             // the lease is one that other workers hold, too; a server's alone
	ReadOnly bool             // for commands that only look; works beside a running daemon
	// Config is a fingerprint for each part of the configuration that decides: on a
	// server nothing is judged by another than that of all workers; nil: any may.
	Config map[string]string
	// ReturnPaths are the shapes of our signed return paths, with their keys.
	ReturnPaths []*envelope.VERP
	KeysUnread  bool           // they are not at hand: stored events stay judged as they are, and none are added
	BATV        *envelope.BATV // the keys of the tags on our return paths; nil: tags say nothing
	Streams     []facts.Stream // of ours, the first that selects a mail has it
	Trust       *origin.Trust  // who may speak about whom; nil: nobody
	Limited     facts.Limited  // which notices that anybody can write are limited
	Limits      judge.Limits   // of the guard on the exports; zero fields are defaults
	// Synchronised tells whether something keeps the clock right; nil: unknown.
	Synchronised func() (bool, error)
	Log          *slog.Logger // default: none
}

// DB is an open database: the file itself, and a value for each thing that
// somebody wants of it. All of them may be used from several goroutines; there
// is one writer at a time.
type DB struct {
	*engine.DB

	Judge  *judge.Judge // stores facts, and what follows from them
	Guard  judge.Guard
	Rates  judge.Rates
	Upkeep upkeep.Upkeep

	Mailboxes facts.Mailboxes
	Runs      facts.Runs
	Exports   facts.Exports
	Pushes    facts.Pushes
	Alarms    facts.Alarms
	Volumes   facts.Volumes
	Acts      facts.Acts
	Keys      facts.Keys
	DNS       facts.DNS
	Findings  facts.Findings

	Fleet fleet.Fleet

	List      query.List
	Notices   query.Notices
	Incidents query.Incidents
	Reports   query.Reports
}

// Open opens the database at path, a file or a URL that begins with postgres://,
// creates the file when it is missing, and brings its schema up to date. It decides nothing. It fails with engine.ErrNewer when
// a newer program wrote it, with engine.ErrInUse when Options.Owner is set and
// another daemon holds the lease.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	file, err := engine.Open(ctx, path, engine.Options{Now: o.Now, Owner: o.Owner, Shared: o.Shared, ReadOnly: o.ReadOnly, Log: o.Log})
	if err != nil {
		return nil, err
	}
	ours := &facts.Ours{Domains: facts.DomainKeys(o.Own), ReturnPaths: o.ReturnPaths, KeysUnread: o.KeysUnread, BATV: o.BATV, Streams: o.Streams, Trust: o.Trust, Limited: o.Limited, Policy: o.Policy}
	j := &judge.Judge{DB: file, Ours: ours, Limits: o.Limits, Config: o.Config, Synchronised: o.Synchronised}
	if !o.ReadOnly {
		if err := j.Index(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("opening database %s: %w", file.Path(), err), file.Close())
		}
	}
	return &DB{
		DB: file, Judge: j, Guard: judge.Guard{DB: file}, Rates: judge.Rates{Judge: j}, Upkeep: upkeep.Upkeep{DB: file},
		Mailboxes: facts.Mailboxes{DB: file}, Runs: facts.Runs{DB: file}, Exports: facts.Exports{DB: file}, Pushes: facts.Pushes{DB: file},
		Alarms: facts.Alarms{DB: file}, Volumes: facts.Volumes{DB: file}, Acts: facts.Acts{DB: file},
		Keys: facts.Keys{DB: file}, DNS: facts.DNS{DB: file}, Findings: facts.Findings{DB: file}, Fleet: fleet.Fleet{DB: file},
		List: query.NewList(j), Notices: query.Notices{DB: file}, Incidents: query.Incidents{DB: file}, Reports: query.NewReports(j),
	}, nil
}
