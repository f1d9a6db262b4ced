package export

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"harvester/store/query"
	"io/fs"
	"iter"
	"os"
	"slices"
	"time"
)

// Write writes the file of t, its parts, its manifest and the file of skipped
// addresses. The entries come in the order of their key; of several with one
// key (an address blocked in several streams) the strongest is written:
// complaint, then the operator's decision, hard bounce, soft bounce,
// unsubscribe. The same entries give the same bytes, and the same bytes leave
// every file as it is. What was written is read back by the target's own
// rules before it takes the place of the previous file; on any error that one
// stays.
func Write(ctx context.Context, entries iter.Seq2[query.Suppression, error], t Target) (Result, error) {
	res, err := write(ctx, entries, &t)
	if err != nil {
		return Result{}, fmt.Errorf("exporting %s: %w", cmp.Or(t.Name, t.Profile.Name), err)
	}
	return res, nil
}

func write(ctx context.Context, entries iter.Seq2[query.Suppression, error], t *Target) (Result, error) {
	if t.Profile.form.row == nil {
		return Result{}, fmt.Errorf("the profile %s writes no file: %s", t.Profile.Name, t.Profile.Import)
	}
	if t.Profile.form.needs != nil {
		if err := t.Profile.form.needs(t); err != nil {
			return Result{}, err
		}
	}
	w := &writer{t: t, omitted: make([]int, len(kindNames))}
	defer w.discard()
	if err := w.nextPart(); err != nil {
		return Result{}, err
	}
	for e, err := range Strongest(entries) {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = w.add(&e)
		}
		if err != nil {
			return Result{}, err
		}
	}
	if err := w.seal(); err != nil {
		return Result{}, err
	}
	return w.publish()
}

// Strongest yields one entry per key: the one of the strongest kind. The entries
// come in the order of their keys.
func Strongest(entries iter.Seq2[query.Suppression, error]) iter.Seq2[query.Suppression, error] {
	return func(yield func(query.Suppression, error) bool) {
		var best query.Suppression
		for e, err := range entries {
			switch {
			case err != nil:
				yield(e, err)
				return
			case e.Key < best.Key:
				yield(e, fmt.Errorf("the list is out of order: %q after %q", e.Key, best.Key))
				return
			case e.Key == best.Key:
				if KindOf(&e) > KindOf(&best) {
					best = e
				}
				continue
			case best.Key != "" && !yield(best, nil):
				return
			}
			best = e
		}
		if best.Key != "" {
			yield(best, nil)
		}
	}
}

func (w *writer) publish() (res Result, err error) {
	err = w.t.place(func() error {
		res, err = w.replace()
		return err
	})
	return res, err
}

func (w *writer) replace() (Result, error) {
	t := w.t
	m := w.manifest()
	res := Result{Rows: m.Rows, Skipped: m.Skipped, SHA256: m.SHA256}
	for _, o := range m.Omitted {
		res.Omitted += o.N
	}
	old, err := w.claim()
	if err != nil {
		return Result{}, err
	}
	for i, p := range w.parts {
		changed, err := p.publish()
		if err != nil {
			return Result{}, err
		}
		res.Changed = res.Changed || changed
		res.Bytes += p.bytes
		res.Files = append(res.Files, partPath(t.Path, i))
	}
	if err := w.publishSkipped(old); err != nil {
		return Result{}, err
	}
	// Parts of a longer list of before would be imported again.
	for i := len(w.parts); i < len(old.Parts); i++ {
		if err := os.Remove(partPath(t.Path, i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Result{}, fmt.Errorf("removing a part that is no longer needed: %w", err)
		}
		res.Changed = true
	}
	m.Generation, m.Created, m.Removals = max(old.Generation, t.Generation), old.Created, old.Removals
	if res.Changed || old.SHA256 != m.SHA256 {
		m.Generation++
		m.Created = t.Now.UTC().Truncate(time.Second)
	}
	res.Generation = m.Generation
	_, err = m.write(t.Path)
	return res, err
}

// claim makes sure that what stands in the place of each file was written by
// us, and notes new places in the manifest before anything is put there. It
// returns the manifest of before, an empty one when there is none.
func (w *writer) claim() (old *Manifest, err error) {
	path := w.t.Path
	if old, err = ReadManifest(path); errors.Is(err, fs.ErrNotExist) {
		old, err = &Manifest{Schema: ManifestSchema, Name: w.t.Name, Profile: w.t.Profile.Name, Parts: []Part{}}, nil
	}
	if err != nil {
		return nil, err
	}
	files := make([]*staged, 0, len(w.parts)+1)
	for _, p := range w.parts {
		files = append(files, p.staged)
	}
	if w.skipped != nil {
		files = append(files, w.skipped)
	}
	claimed := *old
	for _, f := range files {
		if old.owns(base(f.path)) {
			continue
		}
		same, err := f.same()
		if err != nil {
			return nil, f.explain(err)
		}
		if _, err := os.Lstat(f.path); err == nil && !same {
			return nil, foreign(f.path)
		}
		claimed.Claims = append(claimed.Claims, base(f.path))
	}
	if len(claimed.Claims) > len(old.Claims) {
		_, err = claimed.write(path)
	}
	return old, err
}

// ErrForeign says that a file which no export of ours wrote stands where one
// is to be written. It stays as it is.
var ErrForeign = errors.New("a file that was not written by harvester stands there, or its manifest was taken away")

func foreign(path string) error {
	return fmt.Errorf("writing %s: %w (move it away, or name another path; \"harvester suppress add\" takes its addresses in first)", path, ErrForeign)
}

// narrowed is said of a file that holds addresses which are blocked for some
// streams only.
const narrowed = "some addresses may still get mail of some streams, but a reader of this file blocks them for all: narrow the export with stream or sources where that matters"

func (w *writer) manifest() *Manifest {
	p := w.t.Profile
	m := &Manifest{
		Schema: ManifestSchema, Name: w.t.Name, Profile: p.Name, Filter: filterOf(w.t.Filter),
		Policy: w.t.Policy, Rules: w.t.Rules, Addresses: p.spelling(),
		SHA256: hex.EncodeToString(w.sum), Skipped: w.skippedRows,
		Omitted: []Omitted{}, Losses: append([]string{}, p.Loses...),
	}
	for i, part := range w.parts {
		m.Rows += part.rows
		m.Parts = append(m.Parts, Part{
			File: base(partPath(w.t.Path, i)), Rows: part.rows, Bytes: part.bytes,
			SHA256: hex.EncodeToString(part.sum.Sum(nil)),
		})
	}
	for k, n := range w.omitted {
		if n > 0 {
			m.Omitted = append(m.Omitted, Omitted{Kind: kindNames[k], N: n})
		}
	}
	if w.skipped != nil {
		m.SkippedAt = base(SkippedPath(w.t.Path))
	}
	narrow := w.narrow > 0 && w.t.Filter.Stream == ""
	if k := w.kept; k != nil {
		m.Skipped, m.SkippedAt, m.Omitted = k.Skipped, k.SkippedAt, k.Omitted
		narrow = narrow || slices.Contains(k.Losses, narrowed)
	}
	if narrow {
		m.Losses = append(m.Losses, narrowed)
	}
	return m
}
