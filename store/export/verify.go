package export

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"harvester/parse/count"
	"harvester/store"
	"io/fs"
	"os"
	"path/filepath"
)

// Verify compares the file of t with its manifest and with what the database
// says now. It returns what is wrong, one sentence each; none when all is
// well. An error means that it could not be found out.
func Verify(ctx context.Context, db *store.DB, t Target) ([]string, error) {
	m, err := ReadManifest(t.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{fmt.Sprintf("%s has no manifest %s: it was not written by harvester, or the manifest was taken away", t.Path, ManifestPath(t.Path))}, nil
	}
	if err != nil {
		return nil, err
	}
	if m.Profile != t.Profile.Name {
		return []string{fmt.Sprintf("%s was written with the profile %s, not %s", t.Path, m.Profile, t.Profile.Name)}, nil
	}
	problems, held, err := verifyParts(&t, m)
	if err != nil {
		return problems, fmt.Errorf("verifying %s: %w", t.Path, err)
	}
	var want tally
	for e, err := range Strongest(db.List.Suppressions(ctx, t.Reading())) {
		if err != nil {
			return problems, fmt.Errorf("verifying %s: %w", t.Path, err)
		}
		if t.Profile.holds(&e) {
			want.add(t.Profile.counted(&e, t.Profile.spell(&e, &t)))
		}
	}
	if held != nil && !held.equal(&want) {
		problems = append(problems, fmt.Sprintf("%s holds %s, the database now has %d for it, or others: export again", t.Path, count.Of(held.n, "address"), want.n))
	}
	return problems, nil
}

// verifyParts compares the data files with the manifest and tallies what they
// hold; nil when that can't be said.
func verifyParts(t *Target, m *Manifest) (problems []string, held *tally, err error) {
	held = &tally{}
	for _, p := range m.Parts {
		path := filepath.Join(filepath.Dir(t.Path), p.File)
		sum, err := fileSum(path)
		if errors.Is(err, fs.ErrNotExist) {
			return append(problems, path+" is missing"), nil, nil
		}
		if err != nil {
			return problems, nil, err
		}
		if hex.EncodeToString(sum) != p.SHA256 {
			problems = append(problems, path+" was changed after it was written: its SHA-256 is not that of the manifest")
		}
		f, err := os.Open(path)
		if err != nil {
			return problems, nil, err
		}
		rows := held.n
		for name, err := range t.Profile.read(f) {
			if err != nil {
				_ = f.Close() // it was only read
				return append(problems, fmt.Sprintf("%s can't be read as %s: %v", path, m.Profile, err)), nil, nil
			}
			held.add(name)
		}
		_ = f.Close()
		if held.n-rows != p.Rows {
			problems = append(problems, fmt.Sprintf("%s holds %s, its manifest says %d", path, count.Of(held.n-rows, "address"), p.Rows))
		}
	}
	return problems, held, nil
}
