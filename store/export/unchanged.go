package export

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"harvester/store/facts"
	"harvester/store/query"
	"os"
	"path/filepath"
	"time"
)

// unchanged tells without reading the list that the file of t is as it should
// be: nothing changed on the list since it was written, nothing of what it is
// made by, and nobody touched its files.
func unchanged(t *Target, was facts.ExportMarks, state facts.ListState, last facts.Export) (Result, bool) {
	if was.Generation == 0 || was.Generation != t.Generation || was.Form == "" || was.Form != standing(t, state) {
		return Result{}, false
	}
	m, err := ReadManifest(t.Path)
	if err != nil || m.SHA256 != last.SHA256 || m.Generation != was.Generation {
		return Result{}, false
	}
	res := Result{Generation: m.Generation, Rows: m.Rows, Skipped: m.Skipped, SHA256: m.SHA256}
	for _, o := range m.Omitted {
		res.Omitted += o.N
	}
	for i, p := range m.Parts {
		res.Bytes += p.Bytes
		res.Files = append(res.Files, partPath(t.Path, i))
	}
	return res, true
}

// layout changes when the same list would give another file than that of an
// earlier version of this program.
const layout = 4

// depth is how much of the list a file shows.
func (f *form) depth() query.Depth {
	switch {
	case f.addressOnly:
		return query.Addresses
	case f.brief:
		return query.Words
	}
	return query.Columns
}

// standing is a digest of what makes the file of t, the list in its state too, and of how
// its files stand on the disk: size, time of change and inode say whether
// anybody else wrote to one. "" when one is missing.
func standing(t *Target, state facts.ListState) string {
	if t.Profile.form.digests {
		return "" // what it carries of forgotten addresses goes with time, untold
	}
	m, err := ReadManifest(t.Path)
	if err != nil {
		return ""
	}
	files := []string{base(ManifestPath(t.Path))}
	for _, p := range m.Parts {
		files = append(files, p.File)
	}
	if m.SkippedAt != "" {
		files = append(files, m.SkippedAt)
	}
	h := sha256.New()
	plain := t.Profile
	plain.Verified = nil // says nothing of the file
	profile, err := json.Marshal(plain)
	if err != nil {
		return ""
	}
	key := sha256.Sum256(t.Key)
	fmt.Fprintln(h, layout, fmt.Sprint(state), t.Path, string(profile), hex.EncodeToString(key[:]), t.Policy, t.Rules, fmt.Sprintf("%+v", t.Filter))
	for _, f := range files {
		st, err := os.Lstat(filepath.Join(filepath.Dir(t.Path), base(f)))
		if err != nil || !st.Mode().IsRegular() {
			return ""
		}
		fmt.Fprintln(h, f, st.Size(), st.ModTime().UTC().Format(time.RFC3339Nano), inode(st))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
