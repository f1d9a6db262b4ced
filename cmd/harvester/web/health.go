package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"harvester/cmd/harvester/compose"
)

// storeTime is how long /readyz waits for the database to take a write: long
// enough for a batch that is being stored.
const storeTime = 5 * time.Second

func (s *server) metrics(w http.ResponseWriter, r *http.Request) { s.Metrics.ServeHTTP(w, r) }

// livez tells that the scheduler turns and no job outlives its deadline.
func (s *server) livez(w http.ResponseWriter, _ *http.Request) {
	if err := s.Alive(); err != nil {
		problem(w, http.StatusServiceUnavailable, err.Error(), "")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // whoever asked is gone when it fails
}

// Ready is the body of /readyz. It names mailboxes, and no address.
type Ready struct {
	Ready     bool           `json:"ready"`
	Store     bool           `json:"store"` // the database takes writes
	Mailboxes []MailboxReady `json:"mailboxes"`
}

// MailboxReady says whether a mailbox was read within three of its intervals.
type MailboxReady struct {
	Name  string    `json:"name"`
	Ready bool      `json:"ready"`
	Last  time.Time `json:"last,omitzero"` // good poll
}

func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	out := Ready{Ready: true, Mailboxes: []MailboxReady{}}
	ctx, cancel := context.WithTimeout(r.Context(), storeTime)
	defer cancel()
	out.Store = s.Set.DB.Writable(ctx) == nil
	out.Ready = out.Store
	now := time.Now().In(s.Set.Config.Timezone.Location())
	for i := range s.Set.Config.Mailboxes {
		m := &s.Set.Config.Mailboxes[i]
		box := MailboxReady{Name: string(m.Name)}
		if run, err := s.Set.DB.Runs.LastRun(ctx, compose.HarvestName(m), true); err == nil {
			box.Last = run.Started
			next := m.Schedule.Next(now)
			interval := m.Schedule.Next(next).Sub(next)
			box.Ready = now.Sub(run.Started) < 3*interval
		}
		out.Ready = out.Ready && box.Ready
		out.Mailboxes = append(out.Mailboxes, box)
	}
	w.Header().Set("Content-Type", "application/json")
	if !out.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(out) // whoever asked is gone when it fails
}
