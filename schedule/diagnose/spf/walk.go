package spf

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	lib "blitiri.com.ar/go/spf"
	"github.com/miekg/dns"

	"harvester/parse/count"
	"harvester/schedule/diagnose/resolve"
)

// The limits of RFC 7208 §4.6.4.
const (
	MaxLookups = 10 // terms that ask DNS
	MaxVoid    = 2  // look-ups without an answer
	MaxHosts   = 10 // of one mx term
)

const (
	maxDepth = 20 // of records that include others
	maxNodes = 60 // records that one walk looks at
)

// Tree is the record of a domain with all that it leads to.
type Tree struct {
	Domain  string
	Answer  resolve.Answer
	Records []string // the SPF records among the TXT records
	Almost  []string // TXT records that were meant to be one
	Record  Record   // the one record; zero unless there is exactly one
	Terms   []Branch // those that cost a look-up
	Depth   int
	Loop    bool // the domain is one of those that led to it
}

// Branch is a term that costs look-ups.
type Branch struct {
	Term    Term
	Asked   []resolve.Answer // of a, mx, ptr and exists
	Void    bool             // what it asks for does not exist
	Unknown string           // why DNS could not say
	Child   *Tree            // of include and redirect
}

// Cost is how many look-ups the term costs, with all below it.
func (b *Branch) Cost() int {
	if b.Child == nil {
		return 1
	}
	return 1 + b.Child.Lookups()
}

// Lookups is how many look-ups the whole record costs: every term that asks
// DNS, in every record that it leads to.
func (t *Tree) Lookups() (n int) {
	for i := range t.Terms {
		n += t.Terms[i].Cost()
	}
	return n
}

// Void names what the record asks for and does not exist.
func (t *Tree) Void() (out []string) {
	for i := range t.Terms {
		b := &t.Terms[i]
		if b.Void {
			out = append(out, b.Term.Text)
		}
		if b.Child != nil {
			out = append(out, b.Child.Void()...)
		}
	}
	return out
}

// Unknown says why DNS could not tell something that the whole record needs.
func (t *Tree) Unknown() string {
	if t.Loop {
		return ""
	}
	if t.Answer.State == resolve.Unknown {
		return t.Domain + ": " + t.Answer.Why
	}
	for i := range t.Terms {
		b := &t.Terms[i]
		if b.Unknown != "" {
			return b.Term.Text + ": " + b.Unknown
		}
		if b.Child != nil {
			if why := b.Child.Unknown(); why != "" {
				return why
			}
		}
	}
	return ""
}

// Guessed is a term of the record that asks for what Evaluate can't know or does
// not tell: the name behind the address, which receivers look up or not
// (RFC 7208 §7.3), the sender's local part, which is not carried out, and the HELO
// name where nobody said it. "" where there is none.
// QUIRK: blitiri.com.ar/go/spf v1.6.0 puts "unknown" for %{p}; pyspf, libspf2,
// Mail::SPF and mailauth put the confirmed name.
func (t *Tree) Guessed(helo string) string {
	for i := range t.Terms {
		b := &t.Terms[i]
		v := strings.ToLower(b.Term.Value)
		if strings.Contains(v, "%{p") || strings.Contains(v, "%{l") || strings.Contains(v, "%{s") || helo == "" && strings.Contains(v, "%{h") {
			return b.Term.Text
		}
		if b.Child != nil {
			if term := b.Child.Guessed(helo); term != "" {
				return term
			}
		}
	}
	return ""
}

// Walker asks for the records of a tree. Answers are shared by the client.
type Walker struct {
	Client *resolve.Client
	// At and Replace stand for a record that is not published yet.
	At, Replace string

	mu    sync.Mutex
	nodes int
}

// Walk reads the record of a domain and all that it leads to, in bounds. What
// it costs is counted over all of it, not as far as some address matches.
func (w *Walker) Walk(ctx context.Context, domain string) *Tree { return w.walk(ctx, domain, nil) }

func (w *Walker) walk(ctx context.Context, domain string, path []string) *Tree {
	t := &Tree{Domain: strings.ToLower(strings.TrimSuffix(domain, ".")), Depth: len(path)}
	if slices.Contains(path, t.Domain) {
		t.Loop = true
		return t
	}
	w.mu.Lock()
	w.nodes++
	full := w.nodes > maxNodes || len(path) > maxDepth
	w.mu.Unlock()
	if full {
		t.Answer.Why = "it leads to more records than are looked at"
		return t
	}
	if w.At != "" && t.Domain == strings.TrimSuffix(w.At, ".") {
		t.Answer = resolve.Answer{Name: t.Domain + ".", Type: "TXT", State: resolve.Found, Values: []string{w.Replace}}
	} else {
		t.Answer = w.Client.Ask(ctx, t.Domain, dns.TypeTXT)
	}
	for _, txt := range t.Answer.Values {
		if Is(txt) {
			t.Records = append(t.Records, txt)
		} else if _, ok := Almost(txt); ok {
			t.Almost = append(t.Almost, txt)
		}
	}
	if len(t.Records) != 1 {
		return t
	}
	t.Record = Parse(t.Records[0])
	for i := range t.Record.Problems {
		t.Record.Problems[i].Domain = t.Domain
	}
	path = append(slices.Clone(path), t.Domain)
	hasAll := t.Record.All() != nil
	for i := range t.Record.Terms {
		if term := &t.Record.Terms[i]; term.Costs() && !(term.Name == "redirect" && hasAll) {
			t.Terms = append(t.Terms, Branch{Term: *term})
		}
	}
	var wg sync.WaitGroup
	for i := range t.Terms {
		wg.Go(func() { w.branch(ctx, &t.Terms[i], t.Domain, path) })
	}
	wg.Wait()
	return t
}

func (w *Walker) branch(ctx context.Context, b *Branch, domain string, path []string) {
	target := b.Term.Value
	if target == "" {
		target = domain
	}
	if strings.Contains(target, "%") {
		return // it depends on the mail
	}
	ask := func(name string, typ uint16) resolve.Answer {
		a := w.Client.Ask(ctx, name, typ)
		b.Asked = append(b.Asked, a)
		if a.State == resolve.Unknown {
			b.Unknown = a.Why
		}
		return a
	}
	switch b.Term.Name {
	case "include", "redirect":
		b.Child = w.walk(ctx, target, path)
		b.Void = b.Child.Answer.None()
	case "exists":
		a := ask(target, dns.TypeA)
		b.Void = a.None()
	case "a":
		ips, answers, unknown := w.Client.Addresses(ctx, target)
		b.Asked, b.Unknown, b.Void = answers, unknown, len(ips) == 0 && unknown == ""
	case "mx":
		a := ask(target, dns.TypeMX)
		b.Void = a.None()
	}
}

// Problems are the defects of the whole tree, the domain's own first.
func (t *Tree) Problems() []Problem {
	var out []Problem
	switch {
	case t.Loop:
		return []Problem{{ID: "loop", Domain: t.Domain, Fatal: true, Text: t.Domain + " leads back to itself"}}
	case t.Answer.State == resolve.Unknown:
		return nil
	case len(t.Records) > 1:
		return []Problem{{ID: "multiple", Domain: t.Domain, Fatal: true, Text: fmt.Sprintf("%s has %d SPF records, which makes all of them void (RFC 7208 §4.5)", t.Domain, len(t.Records))}}
	case len(t.Records) == 0 && len(t.Almost) > 0:
		why, _ := Almost(t.Almost[0])
		return []Problem{{ID: "version", Domain: t.Domain, Text: fmt.Sprintf("%s has a record that nobody reads: %s", t.Domain, why)}}
	case len(t.Records) == 0:
		return []Problem{{ID: "none", Domain: t.Domain, Text: t.Domain + " has no SPF record"}}
	}
	for _, p := range t.Record.Problems {
		// How somebody else's record ends, or is kept short, does not matter to those who include it.
		if t.Depth == 0 || p.Fatal || p.ID == "plus_all" {
			out = append(out, p)
		}
	}
	for i := range t.Terms {
		b := &t.Terms[i]
		if b.Child == nil {
			continue
		}
		for _, p := range b.Child.Problems() {
			if p.ID == "none" || p.ID == "version" {
				p.ID, p.Fatal = "include_missing", true
				p.Text = fmt.Sprintf("%s leads to %s, which has no SPF record", b.Term.Text, b.Child.Domain)
			} else if t.Depth == 0 && p.Fatal && p.ID != "loop" && p.ID != "include_missing" {
				p.ID = "include_broken"
				p.Text = fmt.Sprintf("%s can't be evaluated: %s", b.Term.Text, p.Text)
			}
			if t.Depth == 0 {
				p.Term, p.Column = b.Term.Text, b.Term.Column
			}
			out = append(out, p)
		}
	}
	if t.Depth > 0 {
		return out
	}
	for i := range t.Terms {
		if b := &t.Terms[i]; b.Term.Name == "mx" && len(b.Asked) > 0 && len(b.Asked[0].RRs) > MaxHosts {
			out = append(out, Problem{ID: "too_many_mx", Domain: t.Domain, Term: b.Term.Text, Column: b.Term.Column, Fatal: true,
				Text: fmt.Sprintf("%s stands for %d mail hosts, and %d are allowed", b.Term.Text, len(b.Asked[0].RRs), MaxHosts)})
		}
	}
	if n := t.Lookups(); n > MaxLookups {
		out = append(out, Problem{ID: "too_many", Domain: t.Domain, Fatal: true, Text: fmt.Sprintf("%s costs %d of %s", t.Domain, n, count.Of(MaxLookups, "look-up"))})
	}
	if v := t.Void(); len(v) > MaxVoid {
		out = append(out, Problem{ID: "void", Domain: t.Domain, Text: fmt.Sprintf("%d of %d void look-ups, which strict receivers refuse: %s", len(v), MaxVoid, strings.Join(v, ", "))})
	}
	return out
}

// Result is whether an address may send for a domain.
type Result struct {
	Result  lib.Result // none neutral pass fail softfail temperror permerror
	Why     string     // what matched, or what is wrong
	Unknown string     // why DNS could not say; the result means nothing then
	asked   bool       // an "exists" decided
}

// Hangs tells whether the result hangs on a term that was guessed.
func (r *Result) Hangs(guessed string) bool {
	return guessed != "" && (r.Result != lib.Pass || r.asked)
}

// Evaluate asks whether an address may send for a domain. The local part of
// the sender is always "postmaster", so that no macro carries an address out.
func (w *Walker) Evaluate(ctx context.Context, ip netip.Addr, helo, domain string) Result {
	l := &resolve.Lookup{Client: w.Client}
	if w.At != "" {
		l.At, l.Replace = strings.TrimSuffix(w.At, ".")+".", w.Replace
	}
	if helo == "" {
		helo = domain
	}
	r, err := lib.CheckHostWithSender(net.IP(ip.Unmap().AsSlice()), helo, "postmaster@"+domain, lib.WithContext(ctx), lib.WithResolver(l))
	out := Result{Result: r, Unknown: l.Failed}
	if err != nil {
		out.Why = err.Error()
	}
	if r == lib.TempError && out.Unknown == "" {
		out.Unknown = "DNS could not say"
	}
	if r == lib.Pass {
		out.Unknown = ""
	}
	out.asked = errors.Is(err, lib.ErrMatchedExists)
	return out
}
