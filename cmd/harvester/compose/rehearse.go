package compose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"harvester/cmd/harvester/config"
	"harvester/store/engine"
	"harvester/store/export"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
)

// Rehearsal is a copy of the database on which something is done, to see what
// would follow. Servers, files and the database itself stay as they are.
type Rehearsal struct {
	*Set // on the copy

	before *Set // on the database itself, for reading; nil where there is none yet
	mark   int64
	open   map[string]int // failures of the incidents that are open
	dir    string
}

// Rehearse copies the database of a configuration into a temporary folder. It
// takes the room of the database until it is closed.
func Rehearse(ctx context.Context, c *config.Config, log *slog.Logger) (r *Rehearsal, err error) {
	r = &Rehearsal{open: map[string]int{}}
	if r.dir, err = os.MkdirTemp("", "harvester-dry-run-"); err != nil {
		return nil, fmt.Errorf("preparing a dry run: %w", err)
	}
	made := r // a failing return names none
	defer func() {
		if err != nil {
			err = errors.Join(err, made.Close())
		}
	}()
	copied := *c
	copied.Store = config.Store{Path: filepath.Join(r.dir, "copy.db")}
	if _, err := os.Stat(c.Store.Path); err == nil || c.Store.URL != "" {
		if r.before, err = Open(ctx, c, Options{ReadOnly: true, Log: log}); err != nil {
			return nil, err
		}
		if err := r.before.DB.CopyToFile(ctx, copied.Store.Path); err != nil {
			return nil, fmt.Errorf("copying the database for a dry run: %w", err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	} else if err := engine.Placeable(c.Store.Path); err != nil {
		return nil, err
	}
	if r.Set, err = Open(ctx, &copied, Options{Judges: true, Log: log}); err != nil {
		return nil, err
	}
	if r.mark, err = r.DB.List.ListMark(ctx); err != nil {
		return nil, err
	}
	incidents, err := r.DB.Incidents.Incidents(ctx, r.DB.Now())
	for i := range incidents {
		r.open[incidents[i].ID] = incidents[i].Count
	}
	return r, err
}

// Close takes the copy away.
func (r *Rehearsal) Close() error {
	var errs []error
	for _, s := range []*Set{r.Set, r.before} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(r.dir))...)
}

// Forecast is what would follow from what was done on the copy.
type Forecast struct {
	Listed    []query.Suppression `json:"listed"`  // what would come onto the list
	Held      []query.Suppression `json:"held"`    // or be held back
	Removed   []string            `json:"removed"` // addresses that would leave it
	Incidents []ExpectedIncident  `json:"incidents"`
	Exports   []ExpectedExport    `json:"exports"`
	Stopped   *judge.Trip         `json:"stopped"` // the guard would keep the exports still; null when not
}

// ExpectedIncident is a fault of the sender's that more failures would be of.
type ExpectedIncident struct {
	query.Incident
	More int `json:"more"` // failures
}

// ExpectedExport is what would change in a file.
type ExpectedExport struct {
	Name    string `json:"name"`
	Profile string `json:"profile"`
	Added   int    `json:"added"`   // addresses
	Removed int    `json:"removed"` // addresses
	Rows    int    `json:"rows"`    // addresses that it would hold then
}

// Forecast compares the copy with what it was made of.
func (r *Rehearsal) Forecast(ctx context.Context) (*Forecast, error) {
	f := &Forecast{Listed: []query.Suppression{}, Held: []query.Suppression{}, Removed: []string{}, Incidents: []ExpectedIncident{}, Exports: []ExpectedExport{}}
	stands := map[string]bool{}
	for s, err := range r.DB.List.Suppressions(ctx, query.Filter{After: r.mark, Held: true}) {
		if err != nil {
			return nil, err
		}
		stands[s.Key] = true
		switch stood, err := r.stood(ctx, &s); {
		case err != nil:
			return nil, err
		case stood:
		case s.State == policy.HeldBack:
			f.Held = append(f.Held, s)
		default:
			f.Listed = append(f.Listed, s)
		}
	}
	for a, err := range r.DB.List.ChangedAfter(ctx, r.mark) {
		if err != nil {
			return nil, err
		}
		if !stands[a.Key] {
			f.Removed = append(f.Removed, a.Address)
		}
	}
	incidents, err := r.DB.Incidents.Incidents(ctx, r.DB.Now())
	if err != nil {
		return nil, err
	}
	for _, in := range incidents {
		if more := in.Count - r.open[in.ID]; more > 0 {
			f.Incidents = append(f.Incidents, ExpectedIncident{in, more})
		}
	}
	for i := range r.Config.Exports {
		e, err := r.exported(ctx, &r.Config.Exports[i])
		if err != nil {
			return nil, err
		}
		f.Exports = append(f.Exports, e)
	}
	trip, stopped, err := r.DB.Guard.Tripped(ctx)
	if stopped {
		f.Stopped = &trip
	}
	return f, err
}

// stood tells that a row stands on the list already.
func (r *Rehearsal) stood(ctx context.Context, s *query.Suppression) (bool, error) {
	if r.before == nil {
		return false, nil
	}
	for was, err := range r.before.DB.List.Suppressions(ctx, query.Filter{Key: s.Key, Held: true}) {
		if err != nil || was.Source == s.Source && was.Stream == s.Stream && was.State == s.State {
			return true, err
		}
	}
	return false, nil
}

// exported compares what a file would hold.
func (r *Rehearsal) exported(ctx context.Context, e *config.Export) (ExpectedExport, error) {
	out := ExpectedExport{Name: string(e.Name), Profile: e.Profile}
	profile, err := export.Lookup(e.Profile)
	if err != nil {
		return out, err
	}
	after, err := r.keys(ctx, r.Set, e, &profile)
	if err != nil {
		return out, err
	}
	before := map[string]bool{}
	if r.before != nil {
		if before, err = r.keys(ctx, r.before, e, &profile); err != nil {
			return out, err
		}
	}
	out.Rows = len(after)
	for key := range after {
		if !before[key] {
			out.Added++
		}
	}
	for key := range before {
		if !after[key] {
			out.Removed++
		}
	}
	return out, nil
}

// keys are the addresses that a file of a set would hold.
func (r *Rehearsal) keys(ctx context.Context, s *Set, e *config.Export, p *export.Profile) (map[string]bool, error) {
	keys := map[string]bool{}
	for row, err := range s.DB.List.Suppressions(ctx, s.filter(e)) {
		if err != nil {
			return nil, err
		}
		if p.Holds(&row) {
			keys[row.Key] = true
		}
	}
	return keys, nil
}
