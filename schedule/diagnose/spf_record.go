package diagnose

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"harvester/parse/count"
	"harvester/schedule/diagnose/resolve"
	"harvester/schedule/diagnose/spf"
)

// SPFDomain is what is wrong with the record of a domain, whoever sends.
func (c *Checker) SPFDomain(ctx context.Context, domain string) []Finding {
	w := &spf.Walker{Client: c.Client}
	tree := w.Walk(ctx, domain)
	subject := Subject{Domain: domain, Identity: "mail_from"}
	var list []Finding
	switch {
	case tree.Answer.State == resolve.Unknown:
		list = []Finding{c.cannotTell(nil, "spf", "the SPF record of "+domain, &tree.Answer)}
	default:
		list = c.spfStatic(ctx, nil, w, tree, whose{}, c.mailHosts(ctx, domain, tree))
	}
	if f, ok := c.lost(domain, tree); ok {
		list = append(list, f)
	}
	if len(list) == 0 {
		f := c.fine(nil, "spf.record", spfBroken, domain+".", "TXT", fmt.Sprintf("the SPF record is sound: %d of %s, %d void", tree.Lookups(), count.Of(spf.MaxLookups, "look-up"), len(tree.Void())))
		list = []Finding{f}
	}
	for i := range list {
		list[i].Subject, list[i].Source = subject, rfc7208
	}
	return withMeasured(list, treeMeasured(tree))
}

// severe are the defects that make a record useless to all receivers; others
// are advice.
var severe = []string{"multiple", "syntax", "macro", "include_missing", "include_broken", "loop", "too_many", "too_many_mx", "version", "none"}

// spfSteps are what to do where no record can be derived, too.
var spfSteps = map[string]string{
	"multiple":        "Keep one record with the terms of all.",
	"version":         "Write the record so that it begins with v=spf1 and a blank.",
	"syntax":          "Mend the term: receivers refuse a record with one wrong term as a whole.",
	"macro":           "Mend the macro (RFC 7208 §7), or take the term out.",
	"ignored_term":    "Write a colon in place of the equals sign.",
	"include_missing": "Take the term out, or give it the name that the service documents now.",
	"loop":            "Take the term out.",
	"too_many_mx":     "Name its networks by ip4: and ip6: in its place.",
	"void":            "Take out what does not exist.",
	"plus_all":        "End the record with ~all, and name those who may send.",
	"no_all":          "End the record with ~all.",
	"after_all":       "Put the term before all, or take it out.",
	"ptr":             "Name the servers by ip4: and ip6: in its place.",
	"duplicate":       "Take one of them out.",
}

// spfStatic is what is wrong with a record, whoever sends.
func (c *Checker) spfStatic(ctx context.Context, ev *Evidence, w *spf.Walker, tree *spf.Tree, who whose, own []netip.Addr) []Finding {
	var list []Finding
	byID := map[string]int{}
	for _, p := range tree.Problems() {
		if p.ID == "none" && ev != nil && ev.IP.IsValid() {
			continue // the missing address says more
		}
		if i, ok := byID[p.ID]; ok {
			list[i].Answer += "; " + p.Text
			continue
		}
		byID[p.ID] = len(list)
		f := c.finding(ev, "spf."+p.ID, Confirmed, UsDNS, "%s", p.Text)
		if p.Column > 0 && p.Domain == tree.Domain {
			f.Answer += fmt.Sprintf(" (column %d)", p.Column)
		}
		f.Advice = !slices.Contains(severe, p.ID)
		f.Subject = Subject{Domain: tree.Domain}
		f.Recheck = recheck(tree.Answer)
		if step := spfSteps[p.ID]; step != "" {
			f.Steps = append(f.Steps, step)
		}
		switch p.ID {
		case "include_broken":
			f.Owner = Service
			f.Steps = append(f.Steps, fmt.Sprintf("Tell who runs %s: every receiver refuses what includes it.", p.Domain), "Until then, take the term out if nothing is sent by it.")
		case "too_many":
			f.Steps = append(f.Steps, "What each term costs: "+costs(tree)+".")
		case "none":
			f.Steps = append(f.Steps, "Publish one that names every server which sends with a return path at "+tree.Domain+". SPF is not inherited from the domain above.")
		}
		list = append(list, f)
	}
	if why := tree.Unknown(); why != "" {
		a := tree.Answer
		a.State, a.Why = resolve.Unknown, why
		f := c.cannotTell(ev, "spf", "all that "+tree.Domain+" includes", &a)
		f.Subject = Subject{Domain: tree.Domain}
		return append(list, f)
	}
	// One record mends all of them; it stands with the first that is severe.
	for i := range list {
		f := &list[i]
		if f.Owner != UsDNS || f.ID == "spf.none" && len(own) == 0 {
			continue
		}
		wish := spf.Wish{Authorise: own}
		if s, include := c.serviceFor(ctx, w, evIP(ev), who.esp); s != nil {
			wish.Include, wish.Authorise = include, []netip.Addr{ev.IP}
		}
		c.propose(ctx, f, w, tree, wish)
		if len(f.Records) > 0 {
			break
		}
	}
	return list
}

func evIP(ev *Evidence) netip.Addr {
	if ev == nil {
		return netip.Addr{}
	}
	return ev.IP
}

// costs names the terms with what each costs, the dearest first.
func costs(t *spf.Tree) string {
	type cost struct {
		text string
		n    int
	}
	var all []cost
	for i := range t.Terms {
		all = append(all, cost{t.Terms[i].Term.Text, t.Terms[i].Cost()})
	}
	slices.SortStableFunc(all, func(a, b cost) int { return b.n - a.n })
	var out []string
	for _, x := range all {
		out = append(out, fmt.Sprintf("%s %d", x.text, x.n))
	}
	return strings.Join(out, ", ")
}

// lostFor is for how long a change is told: whoever meant it has acknowledged it
// by then.
const lostFor = 7 * 24 * time.Hour

// lost tells of terms that the record had until lately.
func (c *Checker) lost(domain string, tree *spf.Tree) (f Finding, ok bool) {
	if c.History == nil || len(tree.Records) != 1 {
		return f, false
	}
	for _, e := range c.History(canonical(domain)+".", "TXT") {
		if c.Now().Sub(e.Last) > lostFor {
			break
		}
		if spfBroken(e) {
			continue // mending it takes something out, often
		}
		var gone []string
		for _, v := range e.Values {
			if !spf.Is(v) || v == tree.Records[0] {
				continue
			}
			for _, t := range spf.Parse(v).Terms {
				if t.Name != "all" && !strings.Contains(strings.ToLower(tree.Records[0])+" ", " "+strings.ToLower(t.Text)+" ") {
					gone = append(gone, t.Text)
				}
			}
		}
		if len(gone) == 0 {
			continue
		}
		f = c.finding(nil, "spf.lost", Confirmed, UsDNS, "the SPF record of %s lost %s; it had it until %s", domain, strings.Join(gone, ", "), stamp(e.Last))
		f.Steps = append(f.Steps, "If that was meant, write it down (harvester incidents ack ID); it ends by itself after a week. If not, put it back.")
		return f, true
	}
	return f, false
}

// spfBroken tells whether an earlier answer held no record that works.
func spfBroken(e Earlier) bool {
	n, fatal := 0, false
	for _, v := range e.Values {
		if spf.Is(v) {
			r := spf.Parse(v)
			n, fatal = n+1, fatal || r.Fatal()
		}
	}
	return e.State != "unknown" && (n != 1 || fatal)
}

// mailHosts are the single addresses that the operator named as ours, of those
// that the record authorised or that a missing record has to.
func (c *Checker) mailHosts(ctx context.Context, domain string, tree *spf.Tree) (out []netip.Addr) {
	for _, p := range c.IPs {
		if p.IsSingleIP() {
			out = append(out, p.Addr())
		}
	}
	if len(tree.Records) == 1 && !tree.Record.Fatal() {
		w := &spf.Walker{Client: c.Client}
		out = slices.DeleteFunc(out, func(ip netip.Addr) bool { return w.Evaluate(ctx, ip, "", domain).Result != "pass" })
	}
	return out
}
