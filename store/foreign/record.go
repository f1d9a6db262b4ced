package foreign

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store/policy"
)

// head are the columns of a list, in lower case, by their names.
type head map[string]int

func headOf(names []string) head {
	h := head{}
	for i, n := range names {
		n = strings.ToLower(strings.TrimSpace(n))
		if _, twice := h[n]; !twice { // Mandrill has expires_at twice
			h[n] = i
		}
	}
	return h
}

func (h head) has(names ...string) bool {
	for _, n := range names {
		if _, ok := h[n]; !ok {
			return false
		}
	}
	return true
}

// names are the columns in their order.
func (h head) names() []string {
	var out []string
	for n := range h {
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(h[a], h[b]) })
	return out
}

// record is one row while it is read. The first thing that is wrong with it, or
// that leaves it out, stands.
type record struct {
	head  head
	cells []string
	o     *Options
	times *timeReader

	out  policy.Override
	left string
	err  error
}

// get is the first of some columns that is there and not empty.
func (r *record) get(columns ...string) string {
	for _, c := range columns {
		if i, ok := r.head[c]; ok && i < len(r.cells) {
			if v := strings.TrimSpace(r.cells[i]); v != "" {
				return v
			}
		}
	}
	return ""
}

func (r *record) refuse(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *record) leave(why string) {
	if r.left == "" {
		r.left = why
	}
}

// fits refuses a row that is longer than its header: its cells would be taken
// for others.
func (r *record) fits() error {
	columns := 0
	for _, i := range r.head {
		columns = max(columns, i+1)
	}
	for _, extra := range r.cells[min(columns, len(r.cells)):] {
		if strings.TrimSpace(extra) != "" {
			return fmt.Errorf("it has %s where the header has %d: a cell that holds the separator must stand in quotes", count.Of(len(r.cells), "cell"), columns)
		}
	}
	return nil
}

// address is whom the row is about.
func (r *record) address(text string) {
	a := strings.TrimPrefix(strings.TrimSpace(text), "mailto:")
	if strings.HasPrefix(a, "<") && strings.HasSuffix(a, ">") {
		a = a[1 : len(a)-1]
	}
	switch {
	case a == "":
		r.refuse("it names no address")
	case !policy.IsAddress(a):
		r.refuse("%q is no address: write local@domain", a)
	}
	r.out.Address, r.out.Pattern = a, policy.Key(a)
}

// since is when it happened.
func (r *record) since(text string) {
	t, err := r.times.read(text)
	switch {
	case err != nil:
		r.refuse("%w", err)
	case t.After(r.o.Now.Add(24 * time.Hour)):
		r.refuse("its date %s lies in the future", text)
	case t.After(r.o.Now):
		t = r.o.Now
	}
	r.out.Entry.Since = t
}

// until is when the entry ends.
func (r *record) until(text string) {
	t, err := r.times.read(text)
	switch {
	case err != nil:
		r.refuse("%w", err)
	case !t.IsZero() && !t.After(r.o.Now):
		r.leave("it has expired")
	}
	r.out.Until = t
}

// says keeps the words of the other system, in one printable line.
func (r *record) says(words ...string) {
	text := strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
	if !plain(text) {
		text = strings.Join(strings.FieldsFunc(text, func(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) }), " ")
	}
	if runes := []rune(text); len(runes) > mostWords {
		text = string(runes[:mostWords])
	}
	if text != "" {
		r.out.Reason = text
	}
}

// plain tells that a text is one line already, as most are.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == ' ' && (i == 0 || i+1 == len(text) || text[i+1] == ' ') {
			return false
		}
	}
	return len(text) <= mostWords
}

const mostWords = 300 // characters that are kept of what another system says

// is says what the address did, and what the other system says of it.
func (r *record) is(k Kind, text, status string) {
	e := &r.out.Entry
	switch k {
	case Complaint:
		e.Source = policy.SourceComplaint
	case Unsubscribe:
		e.Source = policy.SourceUnsubscribe
	case Manual:
		e.Source = policy.SourceOperator
	case Hard, Soft:
		e.Source = policy.SourceBounce
		r.bounced(k, text, status)
	case KindUnknown:
		if r.o.Kind == KindUnknown {
			r.err = cmp.Or(r.err, errRowKind)
			return
		}
		r.is(r.o.Kind, text, status)
	}
}

// bounced finds the cause of a bounce.
func (r *record) bounced(k Kind, text, status string) {
	cause := bounce.Unclassified
	if ours, ok := ourWords(text); ok {
		cause = ours
	} else if text+status != "" && r.o.Meaning != nil {
		cause = r.o.Meaning(text, status)
	}
	switch {
	case cause == bounce.AlreadySuppressed || cause == bounce.Unclassified:
		// The other system refused by itself, or says no more than the kind.
		if cause = bounce.Expired; k == Hard {
			cause = bounce.UserUnknown
		}
	case cause == bounce.Deferred:
		cause = bounce.Expired
	}
	r.out.Entry.Cause = cause
}

var (
	errKind    = errors.New("it does not say why these addresses must not be mailed: they could be anybody's customers. --kind bounce, complaint, unsubscribe or manual says it for all")
	errRowKind = errors.New("it does not say why the address must not be mailed: --kind says it for such rows")
)

// finish checks what a row says as a whole.
func (r *record) finish() {
	e := &r.out.Entry
	if r.out.Reason == "" {
		r.says(e.Source.String())
	}
	if why := policy.Protected(r.out.Pattern, r.o.Own); why != "" {
		r.leave(why + " is never listed")
		return
	}
	if e.Stream = cmp.Or(e.Stream, r.o.Stream); r.o.Table.Imported(e).Scope != policy.ScopeStream {
		e.Stream = ""
	} else if r.o.Known != nil {
		if err := r.o.Known(e.Stream); err != nil && e.Stream != "" {
			r.refuse("%w", err)
		}
	}
	if r.o.Table.Imported(e).Suppress {
		return
	}
	switch e.Cause.Fault() {
	case bounce.FaultSender, bounce.FaultMessage:
		r.leave(fmt.Sprintf("its reply says that the fault is the sender's, not the address's (%s)", e.Cause))
	default:
		r.leave(fmt.Sprintf("the policy never suppresses for %s", e.Cause))
	}
}
