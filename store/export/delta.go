package export

import (
	"context"
	"errors"
	"fmt"
	"harvester/store"
	"harvester/store/query"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// Delta is what changed for a target since the generation that it last
// acknowledged (DB.AckExport).
type Delta struct {
	Since   int64  `json:"since"`   // the acknowledged generation
	Added   Result `json:"added"`   // a file of the profile with the new and changed addresses
	Removed int    `json:"removed"` // addresses in the file of removals
}

// AddPath and RemovePath are where the delta of the file at path lies.
func AddPath(path string) string { return beside(path, ".add") }

// RemovePath is where the addresses lie that may be mailed again: one a line,
// spelt as in the file, without a header. More than a target takes off at a time
// go to further parts (NAME.remove-0002).
func RemovePath(path string) string { return beside(path, ".remove") }

// Places are the paths that an export to path writes to, besides further parts.
func Places(path string, delta bool) []string {
	places := []string{path, ManifestPath(path), SkippedPath(path)}
	if delta {
		places = append(append(places, Places(AddPath(path), false)...), RemovePath(path))
	}
	return places
}

func beside(path, what string) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + what + ext
}

// PublishDelta writes the two files of a delta beside the full file of t,
// after Publish has written that one. Before the first acknowledgement there
// is no delta: the files of an earlier one are taken away, and the full file
// is what the target needs. Applying both files to the acknowledged content
// gives the addresses of the full file; a removal may name an address, or a
// spelling of one, that the target never had.
func PublishDelta(ctx context.Context, db *store.DB, t Target) (Delta, error) {
	d, err := publishDelta(ctx, db, t)
	if err != nil {
		return Delta{}, fmt.Errorf("exporting the changes of %s: %w", t.Name, err)
	}
	return d, nil
}

func publishDelta(ctx context.Context, db *store.DB, t Target) (d Delta, err error) {
	t.heldBy(ctx, db)
	if err := db.Guard.MayExport(ctx); err != nil {
		return d, err
	}
	marks, err := db.Exports.ExportMarks(ctx, t.Name)
	if err != nil {
		return d, err
	}
	d.Since = marks.AckedGeneration
	before, err := ReadManifest(AddPath(t.Path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	if d.Since == 0 {
		if before == nil {
			return d, nil // there was no delta before
		}
		gone := []string{AddPath(t.Path), SkippedPath(AddPath(t.Path)), RemovePath(t.Path)}
		for _, f := range before.Removals {
			gone = append(gone, filepath.Join(filepath.Dir(t.Path), base(f)))
		}
		return d, t.place(func() error { return removeFiles(append(gone, ManifestPath(AddPath(t.Path)))...) })
	}
	if _, err := os.Lstat(RemovePath(t.Path)); err == nil && before == nil {
		return d, foreign(RemovePath(t.Path))
	}
	add := t
	add.Path, add.Filter.After = AddPath(t.Path), marks.AckedMark
	present := map[string]bool{}
	d.Added, err = write(ctx, noting(db.List.Suppressions(ctx, add.Reading()), &t.Profile, present), &add)
	if err != nil {
		return d, err
	}
	d.Removed, err = publishRemovals(ctx, db, &t, marks.AckedMark, present)
	return d, err
}

// noting passes entries on and notes the keys of those that a file of p holds.
func noting(entries iter.Seq2[query.Suppression, error], p *Profile, present map[string]bool) iter.Seq2[query.Suppression, error] {
	return func(yield func(query.Suppression, error) bool) {
		for e, err := range Strongest(entries) {
			if err == nil && p.holds(&e) {
				present[e.Key] = true
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func removeFiles(paths ...string) error {
	for _, p := range paths {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
