package export

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"harvester/store"
	"harvester/store/query"
)

// publishRemovals writes the addresses that changed after a mark and are no
// longer present, and returns how many they are.
func publishRemovals(ctx context.Context, db *store.DB, t *Target, mark int64, present map[string]bool) (n int, err error) {
	r := &removals{t: t}
	defer r.discard()
	if err := r.nextPart(); err != nil {
		return 0, err
	}
	for c, err := range db.List.ChangedAfter(ctx, mark) {
		if err != nil {
			return 0, err
		}
		e := query.Suppression{Address: c.Address, Key: c.Key}
		if present[c.Key] || t.Profile.Refuses(&e) != "" {
			continue
		}
		n++
		names, _ := t.Profile.spellings(&e, t)
		for _, name := range names {
			if err := r.add(name); err != nil {
				return 0, err
			}
		}
	}
	return n, t.place(r.publish)
}

// removals lays addresses into staged parts, one a line.
type removals struct {
	t     *Target
	parts []*staged
	rows  int // of the last part
}

func (r *removals) nextPart() error {
	s, err := stage(partPath(RemovePath(r.t.Path), len(r.parts)))
	if err == nil {
		r.parts, r.rows = append(r.parts, s), 0
	}
	return err
}

func (r *removals) add(name string) error {
	if most := r.t.Profile.MaxRemovals; most > 0 && r.rows == most {
		if err := r.nextPart(); err != nil {
			return err
		}
	}
	r.rows++
	s := r.parts[len(r.parts)-1]
	_, err := s.Write(append([]byte(name), '\n'))
	return s.explain(err)
}

// publish puts all parts into their place and takes away those of before that
// are no longer needed. The manifest of the additions names them first, so that
// they are known to be ours after a crash.
func (r *removals) publish() error {
	path := AddPath(r.t.Path)
	m, err := ReadManifest(path)
	if err != nil {
		return err
	}
	old := m.Removals
	var now []string
	for _, s := range r.parts {
		if err := s.seal(); err != nil {
			return err
		}
		now = append(now, base(s.path))
		if _, err := os.Lstat(s.path); err == nil && len(now) > 1 && !slices.Contains(old, base(s.path)) {
			return foreign(s.path)
		}
	}
	m.Removals = union(now, old)
	if _, err := m.write(path); err != nil {
		return err
	}
	for _, s := range r.parts {
		if _, err := s.publish(); err != nil {
			return err
		}
	}
	for _, f := range old {
		if slices.Contains(now, f) {
			continue
		}
		if err := os.Remove(filepath.Join(filepath.Dir(path), base(f))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	m.Removals = now
	_, err = m.write(path)
	return err
}

func (r *removals) discard() {
	for _, s := range r.parts {
		s.discard()
	}
}

// union is a with what b has besides.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
