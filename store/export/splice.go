package export

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"

	"harvester/parse/count"
	"harvester/store"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

// A long list changes by little between two runs. Where the rows of a file
// follow each other by key and each stands on a line of its own, the rows of
// what changed are put into a copy of the file that stands there: the database
// is asked for those alone, and the rest is copied, not made anew. The result
// is the file that Write would have written, byte by byte.

// errWhole says that a file has to be written whole.
var errWhole = errors.New("to be written whole")

// change is what becomes of one address in a file.
type change struct {
	key        string
	from, to   int64 // its rows in the file that stands there
	rows       []byte
	had, holds bool // the address before, and now
	refreshed  bool // it only shows something newer
}

// splice brings the file of t up to date from the one that stands there. It
// fails with errWhole where that can't be done.
func splice(ctx context.Context, db *store.DB, t *Target, was facts.ExportMarks, now facts.ListState, last facts.Export) (Result, error) {
	old, err := t.spliceable(was, now, last)
	if err != nil {
		return Result{}, err
	}
	f, err := os.Open(t.Path)
	if err != nil {
		return Result{}, errWhole
	}
	defer f.Close()
	lines := &lineFile{f: f, size: old.Parts[0].Bytes, form: &t.Profile.form}
	changes, narrow, err := changesOf(ctx, db, t, was.State)
	for i := range changes {
		if err == nil {
			err = lines.find(ctx, &changes[i])
		}
	}
	if err != nil {
		return Result{}, err
	}
	for i := range changes {
		switch c := &changes[i]; {
		case c.had:
		case c.refreshed:
			return Result{}, errWhole
		case len(old.Omitted) > 0:
			// It may have been among those that are counted as left out.
			if known, err := db.List.KnownBefore(ctx, c.key, was.Mark); err != nil || known {
				return Result{}, cmp.Or(err, errWhole)
			}
		}
	}
	changes = slices.DeleteFunc(changes, func(c change) bool { return !c.had && !c.holds })
	w := &writer{t: t, omitted: make([]int, len(kindNames)), kept: old, narrow: narrow}
	defer w.discard()
	if err := w.splice(f, old, changes); err != nil {
		return Result{}, err
	}
	return w.publish()
}

// spliceable returns the manifest of a file that can be spliced.
func (t *Target) spliceable(was facts.ExportMarks, now facts.ListState, last facts.Export) (*Manifest, error) {
	p := &t.Profile
	if !p.form.lines() || was.Generation == 0 || was.Generation != t.Generation || was.State.Past != now.Past || was.Form != standing(t, was.State) {
		return nil, errWhole
	}
	m, err := ReadManifest(t.Path)
	if err != nil || m.SHA256 != last.SHA256 || m.Generation != was.Generation || len(m.Parts) != 1 {
		return nil, errWhole
	}
	// More is no more than a copy.
	if n := now.Mark - was.Mark + now.Refreshed - was.State.Refreshed; n > int64(min(m.Rows/20+100, facts.RefreshedKept/2)) {
		return nil, errWhole
	}
	return m, nil
}

// lines says that each row stands on a line of its own.
func (f *form) lines() bool {
	return f.row != nil && f.batch.size == 0 && !f.cdb && !f.digests && f.footer == ""
}

// changesOf are the addresses that changed since a state of the list, by key, with the rows
// that they have now, and how many of these are blocked for some streams only.
func changesOf(ctx context.Context, db *store.DB, t *Target, was facts.ListState) (out []change, narrow int, err error) {
	for c, err := range db.List.ChangedAfter(ctx, was.Mark) {
		if err != nil {
			return nil, 0, err
		}
		e := query.Suppression{Key: c.Key, Address: c.Address}
		if skips(t, &e) {
			return nil, 0, errWhole // the file of skipped addresses may change
		}
		out = append(out, change{key: c.Key})
	}
	f := t.Reading()
	f.After = was.Mark
	if t.Profile.form.depth() == query.Columns {
		f.Newer = was.Refreshed + 1
	}
	for e, err := range Strongest(db.List.Suppressions(ctx, f)) {
		i, ok := slices.BinarySearchFunc(out, e.Key, func(c change, key string) int { return cmp.Compare(c.key, key) })
		takes := t.Profile.form.takes == nil || t.Profile.form.takes(&e)
		switch {
		case err != nil:
			return nil, 0, err
		case !ok && f.Newer > 0 && !takes:
			continue // as before
		case skips(t, &e), !takes, !ok && f.Newer == 0:
			return nil, 0, errWhole
		case e.Scope != policy.ScopeAddress:
			narrow++
		}
		if !ok {
			out = slices.Insert(out, i, change{key: e.Key, refreshed: true})
		}
		names, _ := t.Profile.spellings(&e, t)
		for _, name := range names {
			out[i].rows = t.Profile.form.row(out[i].rows, &e, name)
		}
		out[i].holds = true
	}
	return out, narrow, nil
}

// skips tells that an address, or a spelling of it, does not go into the file.
func skips(t *Target, e *query.Suppression) bool {
	if t.Profile.Refuses(e) != "" {
		return true
	}
	_, why := t.Profile.spellings(e, t)
	return why != ""
}

// splice stages the copy of a file with the changes in it.
func (w *writer) splice(f *os.File, old *Manifest, changes []change) error {
	s, err := stage(w.t.Path)
	if err != nil {
		return err
	}
	p := &part{staged: s, rows: old.Parts[0].Rows}
	w.parts = append(w.parts, p)
	var fresh []span
	sum := newSummed(f)
	for _, c := range changes {
		if err := sum.copy(p, c.from); err != nil {
			return p.explain(err)
		}
		fresh = append(fresh, span{p.bytes, c.rows})
		if _, err := p.Write(c.rows); err != nil {
			return p.explain(err)
		}
		if err := sum.copy(io.Discard, c.to); err != nil {
			return p.explain(err)
		}
		if c.had {
			p.rows--
		}
		if c.holds {
			p.rows++
		}
	}
	if err := sum.copy(p, old.Parts[0].Bytes); err != nil {
		return p.explain(err)
	}
	prof := &w.t.Profile
	if sum.hex() != old.Parts[0].SHA256 || prof.MaxRows > 0 && p.rows > prof.MaxRows || prof.MaxBytes > 0 && p.bytes > prof.MaxBytes {
		return errWhole
	}
	if err := p.seal(); err != nil {
		return err
	}
	if err := prof.checkSpans(p.f.Name(), fresh, changes); err != nil {
		return fmt.Errorf("reading %s back: %w", p.path, err)
	}
	return w.digest()
}

// span is where some rows were written.
type span struct {
	at   int64
	rows []byte
}

// checkSpans reads what was put into a file by the target's own rules. What was
// copied had been read when it was written, and is the same by its digest.
func (p *Profile) checkSpans(path string, spans []span, changes []change) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	all := bytes.NewBufferString(p.form.header)
	var want, got tally
	for i, s := range spans {
		b := make([]byte, len(s.rows))
		if _, err := f.ReadAt(b, s.at); err != nil {
			return err
		}
		all.Write(b)
		if changes[i].holds {
			want.add(changes[i].key)
		}
	}
	for name, err := range p.read(all) {
		if err != nil {
			return err
		}
		got.add(policy.Key(name))
	}
	if !got.equal(&want) {
		return fmt.Errorf("the reader of profile %s finds %s where %d were put in, or others; please report this", p.Name, count.Of(got.n, "address"), want.n)
	}
	return nil
}

// lineFile is a file of rows in the order of their keys.
type lineFile struct {
	f    *os.File
	size int64
	form *form
	buf  []byte
}

// find sets where the rows of an address stand in the file, or would.
func (l *lineFile) find(ctx context.Context, c *change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	low, high := int64(len(l.form.header)), l.size // starts of lines, the rows lie between
	for low < high {
		at, line, err := l.lineFrom(low, low+(high-low)/2, high)
		if err != nil {
			return err
		}
		key, err := l.key(line)
		if err != nil {
			return err
		}
		if key < c.key {
			low = at + int64(len(line))
		} else {
			high = at
		}
	}
	c.from, c.to = low, low
	for c.to < l.size {
		_, line, err := l.lineFrom(c.to, c.to, l.size)
		if err != nil {
			return err
		}
		if key, err := l.key(line); err != nil || key != c.key {
			return err
		}
		c.to, c.had = c.to+int64(len(line)), true
	}
	return nil
}

// lineFrom returns the line that covers or follows mid; the first one from low,
// a start of a line, when none begins between mid and high.
func (l *lineFile) lineFrom(low, mid, high int64) (at int64, line []byte, err error) {
	at = low
	if mid > low {
		begin, err := l.cut(mid-1, high)
		if err != nil {
			return 0, nil, err
		}
		if next := mid - 1 + int64(len(begin)); next < high {
			at = next
		}
	}
	line, err = l.cut(at, l.size)
	return at, line, err
}

// cut returns what stands from a byte on up to the end of the line, or to high.
func (l *lineFile) cut(at, high int64) ([]byte, error) {
	for size := int64(512); ; size *= 4 {
		n := min(size, high-at)
		l.buf = slices.Grow(l.buf[:0], int(n))[:n]
		if _, err := l.f.ReadAt(l.buf, at); err != nil {
			return nil, errWhole // it is shorter than its manifest says
		}
		if i := bytes.IndexByte(l.buf, '\n'); i >= 0 {
			return l.buf[:i+1], nil
		}
		if n == high-at || size > 1<<20 {
			return l.buf, nil
		}
	}
}

// key is that of the address of a line.
func (l *lineFile) key(line []byte) (string, error) {
	for name, err := range l.form.read(io.MultiReader(bytes.NewReader([]byte(l.form.header)), bytes.NewReader(line))) {
		if err != nil {
			break
		}
		return policy.Key(name), nil
	}
	return "", errWhole
}

// summed reads a file from its start and sums up what it reads.
type summed struct {
	in  *bufio.Reader
	sum hash.Hash
	at  int64
}

func newSummed(f *os.File) *summed {
	return &summed{in: bufio.NewReaderSize(f, 256<<10), sum: sha256.New()}
}

// copy passes on what stands up to a byte.
func (s *summed) copy(to io.Writer, until int64) error {
	n, err := io.CopyN(to, io.TeeReader(s.in, s.sum), until-s.at)
	s.at += n
	return err
}

func (s *summed) hex() string { return hex.EncodeToString(s.sum.Sum(nil)) }
