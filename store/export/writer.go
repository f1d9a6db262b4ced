package export

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"harvester/parse/count"
	"harvester/store/policy"
	"harvester/store/query"
)

// writer lays rows into staged parts.
type writer struct {
	t           *Target
	parts       []*part
	sum         []byte  // over the bytes of all parts
	skipped     *staged // nil until an address is skipped
	skippedRows int
	omitted     []int     // by kind
	narrow      int       // addresses blocked for some streams only
	kept        *Manifest // of the file that is changed in places; nil: written whole
	buf         []byte
}

// part is one data file in the making.
type part struct {
	*staged
	rows    int // addresses
	batched int // rows in the open batch
	names   tally
	index   *cdbIndex // nil unless the form is a cdb
}

// tally is a digest over the addresses of a file in their order.
type tally struct {
	n    int
	last []byte // the address before, and a zero byte
	sum  hash.Hash
}

func (t *tally) add(name string) {
	if t.sum == nil {
		t.sum = sha256.New()
	} else if string(t.last[:len(t.last)-1]) == name {
		return // a target may need two rows for one address
	}
	t.n++
	t.last = append(append(t.last[:0], name...), 0)
	_, _ = t.sum.Write(t.last)
}

func (t *tally) equal(u *tally) bool {
	return t.n == u.n && (t.n == 0 || bytes.Equal(t.sum.Sum(nil), u.sum.Sum(nil)))
}

// partPath is the path of the i-th part, counted from 0: the first is the
// target's own path, the second NAME-0002.EXT.
func partPath(path string, i int) string {
	if i == 0 {
		return path
	}
	ext := filepath.Ext(path)
	return fmt.Sprintf("%s-%04d%s", strings.TrimSuffix(path, ext), i+1, ext)
}

// SkippedPath is where the addresses lie that the target of the file at path
// can't represent.
func SkippedPath(path string) string { return path + ".skipped.csv" }

func base(path string) string { return filepath.Base(path) }

func (w *writer) nextPart() error {
	s, err := stage(partPath(w.t.Path, len(w.parts)))
	if err != nil {
		return err
	}
	p := &part{staged: s}
	if w.t.Profile.form.cdb {
		p.index = newCDBIndex()
	}
	w.parts = append(w.parts, p)
	return w.put(w.t.Profile.form.header)
}

func (w *writer) put(s string) error {
	p := w.parts[len(w.parts)-1]
	_, err := io.WriteString(p, s)
	return p.explain(err)
}

func (w *writer) add(e *query.Suppression) error {
	f := &w.t.Profile.form
	if f.takes != nil && !f.takes(e) {
		w.omitted[KindOf(e)]++
		return nil
	}
	if why := w.t.Profile.Refuses(e); why != "" {
		return w.skip(e, why)
	}
	names, why := w.t.Profile.spellings(e, w.t)
	if why != "" {
		if err := w.skip(e, why); err != nil {
			return err
		}
	}
	w.buf = w.buf[:0]
	for _, name := range names {
		w.buf = f.row(w.buf, e, name)
	}
	p := w.parts[len(w.parts)-1]
	full := w.t.Profile.MaxRows > 0 && p.rows >= w.t.Profile.MaxRows ||
		w.t.Profile.MaxBytes > 0 && p.rows > 0 && p.bytes+int64(len(w.buf)) > w.t.Profile.MaxBytes
	if full {
		if err := w.endPart(); err != nil {
			return err
		}
		if err := w.nextPart(); err != nil {
			return err
		}
		p = w.parts[len(w.parts)-1]
	}
	if err := w.openBatch(); err != nil {
		return err
	}
	if p.index != nil {
		if err := p.index.add(w.buf); err != nil {
			return p.explain(err)
		}
	}
	p.rows++
	if e.Scope != policy.ScopeAddress {
		w.narrow++
	}
	p.names.add(w.t.Profile.counted(e, names[0]))
	_, err := p.Write(w.buf)
	return p.explain(err)
}

// openBatch puts what stands before a row of a batch.
func (w *writer) openBatch() error {
	b, p := &w.t.Profile.form.batch, w.parts[len(w.parts)-1]
	switch {
	case b.size == 0:
		return nil
	case p.batched == b.size:
		if err := w.closeBatch(); err != nil {
			return err
		}
	}
	p.batched++
	if p.batched == 1 {
		return w.put(b.open)
	}
	return w.put(b.sep)
}

func (w *writer) closeBatch() error {
	p := w.parts[len(w.parts)-1]
	if p.batched == 0 {
		return nil
	}
	p.batched = 0
	return w.put(w.t.Profile.form.batch.close)
}

func (w *writer) endPart() error {
	if err := w.closeBatch(); err != nil {
		return err
	}
	if p := w.parts[len(w.parts)-1]; p.index != nil {
		head, err := p.index.end(p)
		if err != nil {
			return p.explain(err)
		}
		p.index = nil
		return p.patch(head)
	}
	return w.put(w.t.Profile.form.footer)
}

func (w *writer) skip(e *query.Suppression, why string) error {
	if w.skipped == nil {
		s, err := stage(SkippedPath(w.t.Path))
		if err != nil {
			return err
		}
		w.skipped = s
		if _, err := io.WriteString(s, "email,why\n"); err != nil {
			return s.explain(err)
		}
	}
	w.skippedRows++
	address := e.Address
	if q := strconv.Quote(address); strings.Contains(q, `\x`) || strings.ContainsFunc(address, unicode.IsControl) {
		address = q // escaped, so that the file stays one line a row
	}
	b := appendCSV(nil, address)
	b = appendCSV(append(b, ','), why)
	_, err := w.skipped.Write(append(b, '\n'))
	return w.skipped.explain(err)
}

// seal ends all files and reads them back.
func (w *writer) seal() error {
	if err := w.endPart(); err != nil {
		return err
	}
	for _, p := range w.parts {
		if err := p.seal(); err != nil {
			return err
		}
		if err := w.t.Profile.check(p.f.Name(), &p.names); err != nil {
			return fmt.Errorf("reading %s back: %w", p.path, err)
		}
	}
	if err := w.digest(); err != nil {
		return err
	}
	if w.skipped != nil {
		return w.skipped.seal()
	}
	return nil
}

// digest is that of one part, or is taken over several.
func (w *writer) digest() error {
	if len(w.parts) == 1 {
		w.sum = w.parts[0].sum.Sum(nil)
		return nil
	}
	h := sha256.New()
	for _, p := range w.parts {
		f, err := os.Open(p.f.Name())
		if err != nil {
			return p.explain(err)
		}
		_, err = io.Copy(h, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return p.explain(err)
		}
	}
	w.sum = h.Sum(nil)
	return nil
}

// check reads a written file by the target's own rules and compares what it
// finds with what was meant.
func (p *Profile) check(path string, want *tally) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var got tally
	for name, err := range p.read(f) {
		if err != nil {
			return err
		}
		got.add(name)
	}
	if !got.equal(want) {
		return fmt.Errorf("the reader of profile %s finds %s where %d were written, or others; please report this", p.Name, count.Of(got.n, "address"), want.n)
	}
	return nil
}

// publishSkipped puts the file of skipped addresses into its place and takes
// away that of before.
func (w *writer) publishSkipped(old *Manifest) error {
	if w.skipped != nil {
		if _, err := w.skipped.publish(); err != nil {
			return err
		}
	}
	if w.kept != nil || old.SkippedAt == "" || w.skipped != nil && old.SkippedAt == base(SkippedPath(w.t.Path)) {
		return nil
	}
	err := os.Remove(filepath.Join(filepath.Dir(w.t.Path), base(old.SkippedAt)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the file of skipped addresses: %w", err)
	}
	return nil
}

func (w *writer) discard() {
	for _, p := range w.parts {
		p.discard()
	}
	if w.skipped != nil {
		w.skipped.discard()
	}
}
