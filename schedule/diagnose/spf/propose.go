package spf

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"harvester/parse/count"
	"harvester/schedule/diagnose/resolve"
)

// Wish is what a record has to become.
type Wish struct {
	Authorise []netip.Addr           // our own addresses that must pass, the reported one first
	Include   string                 // of a service that sends for the domain; "" for none
	Rename    map[string]string      // names of services as they were, and are
	Drop      func(name string) bool // tells of an include that is of no use; nil: none is
}

// Propose derives the record that a domain should publish from the one that it
// has. It is "" where it can't be derived, with the reason: what is shown was
// evaluated, is within the limits, and authorises whom it is meant to.
func (w *Walker) Propose(ctx context.Context, t *Tree, wish Wish) (record, why string) {
	if t.Answer.State == resolve.Unknown {
		return "", "the present record can't be read: " + t.Answer.Why
	}
	terms := w.repaired(t, wish)
	var r Record
	for range 12 { // each round takes one look-up away
		record = assemble(terms)
		r = Parse(record)
		next := &Walker{Client: w.Client, At: t.Domain, Replace: record}
		after := next.Walk(ctx, t.Domain)
		if why := after.Unknown(); why != "" {
			return "", "what it includes can't be read: " + why
		}
		over := after.Lookups() > MaxLookups || len(after.Void()) > MaxVoid
		if over {
			if smaller := w.cheaper(ctx, after, terms, wish); smaller != nil {
				terms = smaller
				continue
			}
			return "", fmt.Sprintf("it needs %s, and none can be left out safely: move one of the senders to a subdomain with a record of its own", count.Of(after.Lookups(), "look-up"))
		}
		if problems := after.Problems(); r.Fatal() || slices.ContainsFunc(problems, func(p Problem) bool { return p.Fatal }) {
			if i := slices.IndexFunc(problems, func(p Problem) bool { return p.Fatal && p.Domain == after.Domain }); i >= 0 {
				return "", problems[i].Text
			}
			return "", "what it includes is broken, and only its owner can mend that"
		}
		for _, ip := range wish.Authorise {
			if res := next.Evaluate(ctx, ip, "", t.Domain); res.Result != "pass" {
				return "", fmt.Sprintf("%s would not pass with it (%s)", ip, res.Result)
			}
		}
		if len(t.Records) == 1 && record == t.Records[0] {
			return "", "the record says so already"
		}
		return record, ""
	}
	return "", "it can't be brought within the limits"
}

// repaired is the terms of the present records with their faults mended and
// the wish fulfilled.
func (w *Walker) repaired(t *Tree, wish Wish) []string {
	var terms, ends []string
	all := ""
	sources := t.Records
	if len(sources) == 0 && len(t.Almost) > 0 && !strings.HasPrefix(strings.ToLower(t.Almost[0]), "spf2") {
		text := strings.Trim(t.Almost[0], " \t\"'")
		if len(text) > 6 {
			sources = []string{"v=spf1 " + strings.TrimLeft(text[6:], " ,;0")}
		}
	}
	missing := map[string]bool{}
	for i := range t.Terms {
		if b := &t.Terms[i]; b.Child != nil && (b.Child.Loop || b.Child.Answer.None() || b.Child.Answer.State == resolve.Found && len(b.Child.Records) == 0) {
			missing[b.Term.Text] = true
		}
	}
	for _, txt := range sources {
		r := Parse(txt)
		for i := range r.Terms {
			term := &r.Terms[i]
			text := mend(term)
			if text == "" {
				continue
			}
			fixed := Parse("v=spf1 " + text).Terms[0]
			if missing[term.Text] {
				to := wish.Rename[strings.ToLower(fixed.Value)]
				if to == "" {
					continue
				}
				text = strings.TrimSuffix(text, fixed.Value) + to
			}
			switch {
			case fixed.Name == "all":
				switch {
				case all == "" || all == text:
					all = text
				default:
					all = "~all"
				}
			case fixed.Modifier && (fixed.Name == "redirect" || fixed.Name == "exp"):
				if !slices.ContainsFunc(ends, func(x string) bool { return strings.HasPrefix(strings.ToLower(x), fixed.Name+"=") }) {
					ends = append(ends, text) // the first of several
				}
			case !slices.ContainsFunc(terms, func(x string) bool { return strings.EqualFold(x, text) }):
				terms = append(terms, text)
			}
		}
	}
	if wish.Include != "" && !slices.ContainsFunc(terms, func(x string) bool { return strings.EqualFold(x, "include:"+wish.Include) }) {
		terms = append(terms, "include:"+wish.Include)
	} else if wish.Include == "" {
		for _, ip := range wish.Authorise {
			terms = w.authorise(terms, ip)
		}
	}
	if all != "" {
		ends = slices.DeleteFunc(ends, func(x string) bool { return strings.HasPrefix(strings.ToLower(x), "redirect=") })
	}
	if all == "+all" || all == "all" || all == "?all" {
		all = "~all"
	}
	if all == "" && !slices.ContainsFunc(ends, func(x string) bool { return strings.HasPrefix(strings.ToLower(x), "redirect=") }) {
		all = "~all"
	}
	if all != "" {
		terms = append(terms, all)
	}
	return append(terms, ends...)
}

// authorise adds an address that no ip4 or ip6 term holds.
func (w *Walker) authorise(terms []string, ip netip.Addr) []string {
	name := "ip6:"
	if ip = ip.Unmap(); ip.Is4() {
		name = "ip4:"
	}
	for _, t := range terms {
		value, ok := strings.CutPrefix(strings.ToLower(strings.TrimLeft(t, "+")), name)
		if !ok {
			continue
		}
		if value == ip.String() {
			return terms
		}
		if p, err := netip.ParsePrefix(value); err == nil && p.Contains(ip) {
			return terms
		}
	}
	return append(terms, name+ip.String())
}

// mend is a term as it was meant; "" for one that no repair helps.
func mend(t *Term) string {
	text := strings.TrimRight(t.Text, ",;")
	for _, dash := range [...]string{"–", "—", "−"} {
		if rest, ok := strings.CutPrefix(text, dash); ok {
			text = "-" + rest
		}
	}
	lower := strings.ToLower(text)
	for _, r := range [...][2]string{{"ipv4:", "ip4:"}, {"ip:", "ip4:"}, {"ipv6:", "ip6:"}, {"ip4=", "ip4:"}, {"ip6=", "ip6:"}, {"include=", "include:"},
		{"a=", "a:"}, {"mx=", "mx:"}, {"exists=", "exists:"}} {
		if strings.HasPrefix(lower, r[0]) {
			text = r[1] + text[len(r[0]):]
		}
	}
	if strings.EqualFold(text, "mx:all") {
		return "mx"
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		text = family(p.Addr()) + text
	} else if ip, err := netip.ParseAddr(text); err == nil {
		text = family(ip) + text
	}
	if value, ok := strings.CutPrefix(text, "ip4:"); ok {
		if ip, err := netip.ParseAddr(value); err == nil && ip.Is6() {
			text = "ip6:" + value
		}
	}
	r := Parse("v=spf1 " + text)
	if len(r.Terms) != 1 || r.Fatal() || r.Terms[0].Modifier && r.Terms[0].Name != "redirect" && r.Terms[0].Name != "exp" || r.Terms[0].Name == "ptr" {
		return ""
	}
	return text
}

func family(ip netip.Addr) string {
	if ip.Is4() {
		return "ip4:"
	}
	return "ip6:"
}

func assemble(terms []string) string { return strings.Join(append([]string{"v=spf1"}, terms...), " ") }

// cheaper leaves one term out, or writes one with fewer look-ups; nil when
// nothing can be saved without harm: first what does not exist, then includes
// that are known to be of no use, then hosts with one or two addresses of
// ours.
func (w *Walker) cheaper(ctx context.Context, t *Tree, terms []string, wish Wish) []string {
	without := func(text string) []string {
		out := slices.Clone(terms)
		i := slices.Index(out, text)
		if i < 0 {
			return nil
		}
		return slices.Delete(out, i, i+1)
	}
	for i := range t.Terms {
		if b := &t.Terms[i]; b.Void && b.Term.Name != "exists" {
			return without(b.Term.Text)
		}
	}
	for i := range t.Terms {
		if b := &t.Terms[i]; b.Term.Name == "include" && wish.Drop != nil && wish.Drop(strings.ToLower(b.Term.Value)) {
			return without(b.Term.Text)
		}
	}
	if t.Lookups() <= MaxLookups {
		return nil
	}
	for i := range t.Terms {
		b := &t.Terms[i]
		if b.Term.Name != "a" && b.Term.Name != "mx" || b.Term.CIDR != "" || strings.Contains(b.Term.Value, "%") {
			continue
		}
		ips := w.hosts(ctx, b)
		if len(ips) == 0 || len(ips) > 2 || b.Term.Qualifier != '+' {
			continue
		}
		out := slices.Clone(terms)
		at := slices.Index(out, b.Term.Text)
		if at < 0 {
			continue
		}
		out = slices.Delete(out, at, at+1)
		for _, ip := range ips {
			if text := family(ip) + ip.String(); !slices.Contains(out, text) {
				out = slices.Insert(out, at, text)
				at++
			}
		}
		return out
	}
	return nil
}

// hosts are the addresses that an a or mx term stands for.
func (w *Walker) hosts(ctx context.Context, b *Branch) []netip.Addr {
	var names []string
	if b.Term.Name == "mx" {
		for i := range b.Asked {
			names = append(names, b.Asked[i].Hosts()...)
		}
	} else if len(b.Asked) > 0 {
		names = []string{b.Asked[0].Name}
	}
	var out []netip.Addr
	for _, name := range names[:min(len(names), 10)] {
		ips, _, unknown := w.Client.Addresses(ctx, name)
		if unknown != "" {
			return nil
		}
		out = append(out, ips...)
	}
	return out
}

// Dropped are the terms of the present records that a proposal leaves out, each
// once.
func (t *Tree) Dropped(record string) (out []string) {
	kept := strings.ToLower(record) + " "
	for _, txt := range t.Records {
		r := Parse(txt)
		for i := range r.Terms {
			term := &r.Terms[i]
			text := mend(term)
			if text == "" {
				text = term.Text
			}
			if term.Name != "all" && !strings.Contains(kept, " "+strings.ToLower(text)+" ") && !slices.Contains(out, term.Text) {
				out = append(out, term.Text)
			}
		}
	}
	return out
}
