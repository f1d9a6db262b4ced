package dialect

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"harvester/parse/dsn"
	"harvester/parse/match"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Dialect is one layout.
type Dialect struct {
	Name string
	// Marks are the signs by which the layout is known. A mark is a number of
	// literals that all stand in the mail's header fields ("name: value"), in
	// the head of its text or among the field names of its status part, each
	// from the beginning of a word on. Case, accents and runs of blanks don't
	// matter. Of several dialects that a mail shows, the one with the longest
	// mark is tried first.
	Marks []Mark
	// Read gives what the text says, or nil where it is not this layout after
	// all. It may be nil for a layout whose text adds nothing to the status part.
	Read func(m *view.Mail) *notice.Notice
	// Mend corrects what this software is known to write wrongly into its
	// status part, before it is believed.
	Mend func(m *view.Mail, r *dsn.Report)
	// OneReply tells that this software gives one reply to all recipients of a
	// mail, whomever it was about.
	OneReply bool
	// AliasHidden tells that this software names where an alias leads, and
	// nowhere the alias.
	AliasHidden bool
}

// Mark is a set of literals that must all be there.
type Mark []string

// Notice is what m says in this layout, or nil where it is not of this layout
// after all, or its text adds nothing.
func (d *Dialect) Notice(m *view.Mail) *notice.Notice {
	if d.Read == nil {
		return nil
	}
	n := d.Read(m)
	n.Settle(m)
	return n
}

type table struct {
	dialects []Dialect // by name
	marks    []mark
	literals *match.Words
	holders  [][]int // literal → marks that hold it
	pool     sync.Pool
}

// tally is what was found of the marks in one mail, its memory reused by the next.
type tally struct {
	folded []byte
	marks  []match.Found
	seen   []bool // by literal
	found  []int8 // literals, by mark
	best   []int  // weight of the longest whole mark, by dialect
}

type mark struct {
	dialect int
	need    int // literals
	weight  int // their length, which is how specific the mark is
}

// The table is built once and never changes.
var builtin = sync.OnceValue(func() *table {
	t := &table{dialects: slices.Concat(inCode(), forms())}
	slices.SortFunc(t.dialects, func(a, b Dialect) int { return cmp.Compare(a.Name, b.Name) })
	var literals []string
	index := map[string]int{}
	for d, dialect := range t.dialects {
		for _, m := range dialect.Marks {
			k := mark{dialect: d, need: len(m)}
			for _, l := range m {
				folded := strings.TrimSpace(string(match.Fold(nil, l)))
				k.weight += len(folded)
				n, ok := index[folded]
				if !ok {
					n = len(literals)
					index[folded] = n
					literals = append(literals, folded)
					t.holders = append(t.holders, nil)
				}
				if slices.Contains(t.holders[n], len(t.marks)) {
					k.need-- // the same literal twice in one mark
					continue
				}
				t.holders[n] = append(t.holders[n], len(t.marks))
			}
			t.marks = append(t.marks, k)
		}
	}
	t.literals = match.NewWords(literals)
	t.pool.New = func() any {
		return &tally{seen: make([]bool, len(t.holders)), found: make([]int8, len(t.marks)), best: make([]int, len(t.dialects))}
	}
	return t
})

// How much is searched for marks, in bytes. Layouts introduce themselves in
// their first lines; some put a long policy text or a translation before them.
// Beside a status part, whose fields are signs of their own, less will do.
const (
	textHead     = 6 << 10
	reportedHead = 1 << 10
	valueHead    = 80 // of a header field
)

// Recognise returns the dialects that m shows, the most specific first.
func Recognise(m *view.Mail) []Dialect {
	t := builtin()
	y := t.pool.Get().(*tally)
	defer t.pool.Put(y)
	clear(y.seen)
	clear(y.found)
	clear(y.best)
	y.folded = haystack(y.folded[:0], m)
	var shown []int
	y.marks = t.literals.Find(y.marks[:0], y.folded)
	for _, o := range y.marks {
		if y.seen[o.Literal] {
			continue
		}
		y.seen[o.Literal] = true
		for _, k := range t.holders[o.Literal] {
			y.found[k]++
			mark := &t.marks[k]
			if int(y.found[k]) < mark.need {
				continue
			}
			if y.best[mark.dialect] == 0 {
				shown = append(shown, mark.dialect)
			}
			y.best[mark.dialect] = max(y.best[mark.dialect], mark.weight)
		}
	}
	slices.SortFunc(shown, func(a, b int) int {
		return cmp.Or(cmp.Compare(y.best[b], y.best[a]), cmp.Compare(a, b))
	})
	out := make([]Dialect, len(shown))
	for i, d := range shown {
		out[i] = t.dialects[d]
	}
	return out
}

// haystack folds into b what marks are searched in. Fields that only carry
// signatures and routes are left out, but for the one Received that names its
// maker.
func haystack(b []byte, m *view.Mail) []byte {
	add := func(name, value string) {
		b = match.Extend(b, name)
		b = match.Extend(b, ": ")
		b = match.Extend(b, value)
		b = match.Extend(b, "\n")
	}
	for i := range m.Header {
		f := &m.Header[i]
		switch {
		case strings.EqualFold(f.Name, "Subject"):
			add("subject", m.Subject)
			continue
		case strings.EqualFold(f.Name, "Received"):
			if !strings.Contains(f.Value, "invoked ") && !strings.Contains(f.Value, "DragonFly") && !strings.Contains(f.Value, "Internet Mail Service") {
				continue
			}
		case len(f.Name) > 4 && strings.EqualFold(f.Name[:4], "ARC-"), unmarked(f.Name):
			continue
		}
		add(f.Name, f.Value[:min(len(f.Value), valueHead)])
	}
	b = match.Extend(b, m.FromName)
	b = match.Extend(b, "\n")
	if m.Report != nil {
		for _, f := range m.Report.Fields {
			add(f.Name, f.Value)
		}
		for i := 0; i < len(m.Report.Recipients) && i < 2; i++ {
			for _, f := range m.Report.Recipients[i].Fields {
				add(f.Name, "")
			}
		}
	}
	head := textHead
	if m.Report != nil && len(m.Report.Recipients) > 0 {
		head = reportedHead
	}
	return match.Extend(b, m.Text[:min(len(m.Text), head)])
}

// unmarked tells the fields that say nothing of who laid a notice out.
func unmarked(field string) bool {
	switch len(field) {
	case 2, 4, 12, 14, 22, 25:
	default:
		return false
	}
	for _, name := range [...]string{"To", "Date", "Delivered-To", "MIME-Version", "DKIM-Signature", "Authentication-Results", "Content-Transfer-Encoding"} {
		if strings.EqualFold(field, name) {
			return true
		}
	}
	return false
}
