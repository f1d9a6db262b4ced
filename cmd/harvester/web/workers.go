package web

import (
	"context"
	"slices"
	"strings"
	"time"

	"harvester/store/facts"
	"harvester/store/fleet"
)

// fleetShown are the workers that share a database, and what waits for the one
// that leads.
type fleetShown struct {
	Workers []fleet.Worker
	Pending facts.Pending
	LedLast time.Time // when somebody last led; zero while somebody does
}

// fleet is nil for a database that is a file.
func (s *server) fleet(ctx context.Context) (*fleetShown, error) {
	db := s.Set.DB
	var v fleetShown
	var err error
	if v.Workers, err = db.Fleet.Workers(ctx); err != nil || len(v.Workers) == 0 {
		return nil, err
	}
	if v.Pending, err = db.Mailboxes.Pending(ctx); err != nil {
		return nil, err
	}
	nobody, err := db.Fleet.Leaderless(ctx)
	if nobody > 0 {
		v.LedLast = v.Pending.Now.Add(-nobody)
	}
	return &v, err
}

// holdsOf are the leases of a worker but for those that are no work of their own,
// the mailboxes first.
func holdsOf(w fleet.Worker) (out []string) {
	for _, l := range w.Leases {
		if l != fleet.Leader && l != fleet.Alarms {
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int {
		rank := func(l string) int {
			if strings.HasPrefix(l, "mailbox ") {
				return 0
			}
			return 1
		}
		return rank(a) - rank(b)
	})
	return out
}
