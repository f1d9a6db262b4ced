package diagnose

import (
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
	"github.com/pelletier/go-toml/v2"

	"harvester/schedule/diagnose/resolve"
)

//go:embed lists.toml
var listsTOML []byte

// blocklist is one row of lists.toml.
type blocklist struct {
	ID         string            `toml:"id"`
	Title      string            `toml:"title"`
	Zone       string            `toml:"zone"`
	Names      []string          `toml:"names"`
	Ask        string            `toml:"ask"` // default, named, never
	Of         string            `toml:"of"`  // ip, domain
	V6         bool              `toml:"v6"`
	Key        bool              `toml:"key"` // asked with a key of the operator's alone
	Any        bool              `toml:"any"` // other answers in 127.0.0.0/24 are listings, too
	Bitmask    bool              `toml:"bitmask"`
	Points     []string          `toml:"points"`     // test entries of a list of domains, one of which must be listed; "test" where there are none
	Neighbours bool              `toml:"neighbours"` // lists networks, not the address
	Closed     string            `toml:"closed"`
	Page       string            `toml:"page"`
	Who        string            `toml:"who"`
	Codes      map[string]string `toml:"codes"`
	Errors     map[string]string `toml:"errors"`

	secret bool // its zone holds a key
}

var blocklists = sync.OnceValue(func() []blocklist {
	var file struct {
		List []blocklist `toml:"list"`
	}
	if err := toml.Unmarshal(listsTOML, &file); err != nil {
		panic(err) // it is built in
	}
	return file.List
})

// listIn is the list that a text names, the longest name first; nil for none.
func listIn(text string) *blocklist {
	text = strings.ToLower(text)
	var best *blocklist
	length := 0
	all := blocklists()
	for i := range all {
		for _, n := range all[i].Names {
			if len(n) > length && strings.Contains(text, n) {
				best, length = &all[i], len(n)
			}
		}
	}
	return best
}

// listBy is the list that the configuration calls by its id or zone. A zone
// with a key before it ("KEY.zen.dq.spamhaus.net") is asked as it stands.
func listBy(name string) *blocklist {
	all := blocklists()
	for i := range all {
		if l := &all[i]; strings.EqualFold(name, l.ID) || l.Zone != "" && strings.EqualFold(name, l.Zone) {
			return l
		}
	}
	for _, known := range [...]struct{ suffix, id string }{{".zen.dq.spamhaus.net", "spamhaus-zen"}, {".dbl.dq.spamhaus.net", "spamhaus-dbl"}, {".combined.mail.abusix.zone", "abusix"}} {
		if strings.HasSuffix(strings.ToLower(name), known.suffix) {
			l := *listBy(known.id)
			l.Zone, l.secret, l.Key = name, true, false
			return &l
		}
	}
	return nil
}

// usable keeps, for one run, which lists answer as a list must.
type usable struct {
	mu    sync.Mutex
	state map[string]*listState
	lying *string
}

type listState struct {
	once sync.Once
	why  string // it can't be relied on; "" when it can
}

// lies tells of a resolver that makes addresses up for names that can't exist.
// "" when it is honest.
func (c *Checker) lies(ctx context.Context) string {
	c.lists.mu.Lock()
	defer c.lists.mu.Unlock()
	if c.lists.lying == nil {
		why := ""
		// QUIRK: unbound 1.17 and others answer below .invalid themselves, whatever
		// the server says that they pass questions on to.
		for _, end := range [...]string{".invalid", ".com"} {
			a := c.Client.Ask(ctx, "nx-"+strings.ToLower(rand.Text())+end, dns.TypeA)
			if a.State == resolve.Found {
				why = fmt.Sprintf("the resolver %s answers %s for a name that can't exist", a.Server, strings.Join(a.Values, ", "))
				break
			}
		}
		c.lists.lying = &why
	}
	return *c.lists.lying
}

// broken says why a list can't be relied on: its test points are asked before
// the first real question (RFC 5782 §5).
func (c *Checker) broken(ctx context.Context, l *blocklist) string {
	c.lists.mu.Lock()
	s := c.lists.state[l.Zone]
	if s == nil {
		s = &listState{}
		c.lists.state[l.Zone] = s
	}
	c.lists.mu.Unlock()
	s.once.Do(func() {
		yes, no := []string{resolve.Below(netip.AddrFrom4([4]byte{127, 0, 0, 2}), l.Zone)}, resolve.Below(netip.AddrFrom4([4]byte{127, 0, 0, 1}), l.Zone)
		if l.Of == "domain" {
			yes, no = nil, "invalid."+l.Zone
			for _, point := range l.Points {
				yes = append(yes, point+"."+l.Zone)
			}
			if yes == nil {
				yes = []string{"test." + l.Zone}
			}
		}
		var a resolve.Answer
		var listed []string
		var problem string
		for _, name := range yes {
			a = c.Client.Ask(ctx, name, dns.TypeA)
			if listed, problem = l.read(&a); len(listed) > 0 || problem != "" || a.State == resolve.Unknown {
				break
			}
		}
		b := c.Client.Ask(ctx, no, dns.TypeA)
		other, _ := l.read(&b)
		switch {
		case a.State == resolve.Unknown:
			s.why = a.Why
		case problem != "":
			s.why = problem
		case len(listed) == 0:
			s.why = "its test entry is missing: it is closed, or answers this resolver nothing"
		case len(other) > 0:
			s.why = "it lists everything"
		}
	})
	return s.why
}

// read takes the meaning of an answer: what is listed, or why the answer is
// none.
func (l *blocklist) read(a *resolve.Answer) (listed []string, problem string) {
	for _, v := range a.Values {
		ip, err := netip.ParseAddr(v)
		if err != nil || !ip.Is4() || !ip.IsLoopback() {
			return nil, "it answers " + v + ", which is no answer of a blocklist: the zone is parked, or the resolver lies"
		}
		if meaning, ok := l.Errors[v]; ok {
			return nil, fmt.Sprintf("it answers %s: %s", v, meaning)
		}
		b := ip.As4()
		switch meaning, ok := l.Codes[v]; {
		case ok:
			listed = append(listed, fmt.Sprintf("%s (%s)", meaning, v))
		case l.Bitmask && b[1] == 0 && b[2] == 0:
			for bit := 2; bit < 256; bit *= 2 {
				if meaning := l.Codes[fmt.Sprint(bit)]; int(b[3])&bit != 0 && meaning != "" {
					listed = append(listed, fmt.Sprintf("%s (%s)", meaning, v))
				}
			}
		case l.Any && b[1] == 0 && b[2] == 0 && b[3] > 1:
			listed = append(listed, "listed ("+v+")")
		case b[1] == 255:
			return nil, fmt.Sprintf("it answers %s: it refuses this resolver", v)
		default:
			return nil, fmt.Sprintf("it answers %s, which its table does not know", v)
		}
	}
	return listed, ""
}

// blocklist checks whether the list that a reply names lists us; without a
// name, the usual ones and those of the configuration.
func (c *Checker) blocklist(ctx context.Context, ev *Evidence) []Finding {
	named := listIn(ev.Claim.Sentence)
	if named == nil && strings.HasPrefix(ev.Cause, "list.") {
		named = listIn(strings.TrimPrefix(ev.Cause, "list."))
	}
	if named == nil {
		return c.unnamedList(ctx, ev)
	}
	if l := c.ownKey(named); l != nil {
		named = l
	}
	object := canonical(cmp.Or(ev.From, ev.MailFrom))
	if named.Of == "ip" {
		object = ""
		if ev.IP.IsValid() {
			object = ev.IP.String()
		}
	}
	return []Finding{c.ask(ctx, ev, named, object)}
}

// ownKey is the list as the configuration has it, with the operator's key.
func (c *Checker) ownKey(l *blocklist) *blocklist {
	for _, name := range c.Lists {
		if x := listBy(name); x != nil && x.ID == l.ID && x.secret {
			return x
		}
	}
	return nil
}

// unnamedList asks the configured lists, or says why there is nothing to ask.
func (c *Checker) unnamedList(ctx context.Context, ev *Evidence) []Finding {
	var hits, clean []string
	var list []Finding
	for _, name := range c.Lists {
		l := listBy(name)
		if l == nil || l.Of != "ip" || !ev.IP.IsValid() {
			continue
		}
		f := c.ask(ctx, ev, l, ev.IP.String())
		switch f.Verdict {
		case Confirmed:
			hits = append(hits, l.Title)
			list = append(list, f)
		case Refuted, Mended:
			clean = append(clean, l.Title)
		}
	}
	if len(hits) > 0 {
		return list
	}
	f := c.finding(ev, "dnsbl.unnamed", CannotTell, Receiver, "the receiver names no public list: its own reputation can't be looked up")
	if len(clean) > 0 {
		f.Answer += "; not listed by " + strings.Join(clean, ", ")
	} else if len(c.Lists) == 0 {
		f.Steps = append(f.Steps, `Name lists to ask in [diagnose] lists, such as "spamhaus-zen".`)
	}
	f.Steps = append(f.Steps, "Open the page that the reply names, or write to the receiver's postmaster with the address and the reply.")
	f.Subject.IP = cmp.Or(ipText(ev.IP), "")
	return []Finding{f}
}

func ipText(ip netip.Addr) string {
	if ip.IsValid() {
		return ip.String()
	}
	return ""
}

// ask asks one list about an address or a domain of ours.
func (c *Checker) ask(ctx context.Context, ev *Evidence, l *blocklist, object string) (f Finding) {
	defer func() {
		f.Subject.List, f.Page, f.Source = l.Title, l.Page, "RFC 5782"
		if l.Of == "ip" {
			f.Subject.IP = object
		} else {
			f.Subject.Domain = object
		}
	}()
	if l.Closed != "" {
		f = c.finding(ev, "dnsbl.closed", Refuted, Receiver, "%s was closed (%s): it lists nobody", l.Title, l.Closed)
		f.Steps = append(f.Steps, "Tell the receiver's postmaster, by phone or from another address, to take it out of the configuration.")
		return f
	}
	unknown := func(why string) Finding {
		f := c.finding(ev, "dnsbl.unknown", CannotTell, Nobody, "%s can't be asked: %s", l.Title, why)
		f.Steps = append(f.Steps, "Look it up on the page.")
		return f
	}
	ip, _ := netip.ParseAddr(object)
	switch {
	case object == "":
		return unknown("the reply names no address or domain of ours")
	case l.Zone == "" || l.Ask == "never":
		return unknown("it is not asked by DNS")
	case l.Key:
		return unknown("it is asked with a key of your own; name KEY." + l.Zone + " in [diagnose] lists")
	case l.Of == "ip" && !ip.IsValid():
		return unknown("there is no address to ask for")
	case l.Of == "ip" && special(ip):
		return unknown(object + " is an address of a private network")
	case l.Of == "ip" && ip.Is6() && !l.V6:
		return unknown("it lists no IPv6 addresses")
	case l.Of == "domain" && !c.ours(object):
		return unknown(object + " is no domain of yours")
	}
	if why := c.lies(ctx); why != "" {
		return unknown(why)
	}
	if why := c.broken(ctx, l); why != "" {
		return unknown(why)
	}
	name := object + "." + l.Zone
	if l.Of == "ip" {
		name = resolve.Below(ip, l.Zone)
	}
	a := c.Client.Ask(ctx, name, dns.TypeA)
	seen := measured(&a, "")
	if l.secret { // the zone holds the operator's key
		seen.What = "A of " + object + " in " + l.Title
	}
	listed, problem := l.read(&a)
	if a.State == resolve.Unknown {
		problem = a.Why
	}
	switch {
	case problem != "":
		f = unknown(problem)
	case len(listed) == 0:
		wrong := func(e Earlier) bool { return e.State == "found" }
		f = c.fine(ev, "dnsbl.clean", wrong, canonical(name)+".", "A", fmt.Sprintf("%s does not list %s", l.Title, object))
		f.Steps = append(f.Steps, "Wait a day: receivers keep copies of lists for hours.")
	default:
		f = c.listed(ctx, ev, l, object, listed, name)
	}
	f.Measured = append(f.Measured, seen)
	f.Recheck = recheck(a)
	return f
}

func (c *Checker) listed(ctx context.Context, ev *Evidence, l *blocklist, object string, listed []string, name string) Finding {
	slices.Sort(listed)
	f := c.finding(ev, "dnsbl.listed", Confirmed, UsMail, "%s lists %s: %s", l.Title, object, strings.Join(listed, "; "))
	if l.Neighbours {
		f.ID, f.Owner, f.Advice = "dnsbl.neighbours", ListOperator, true
		f.Steps = append(f.Steps, l.Who)
		return f
	}
	if ip, err := netip.ParseAddr(object); err == nil && ev != nil {
		switch who := c.whoseIP(ctx, ip, ev.Direct); {
		case who.esp != nil:
			f.Owner = Service
			f.Steps = append(f.Steps, "The address is "+who.esp.Name+"'s: send them the reply, and ask for another pool.")
			return f
		case !who.ours && len(c.IPs) > 0:
			f.Owner = Forwarder
			f.Steps = append(f.Steps, "The address is none of yours: whoever forwards the mail has to see to it.")
			return f
		}
	}
	text := strings.Join(listed, " ")
	switch {
	case strings.Contains(text, "PBL"):
		f.Steps = append(f.Steps, "This is no accusation: release the address of a fixed mail server on the page, or send through the provider's relay.")
	case strings.Contains(text, "SBL"):
		f.Owner = Provider
	default:
		f.Steps = append(f.Steps, "First find and stop what was sent from there (queue, logs, hacked forms and accounts); a removal before that comes back harder.")
	}
	f.Steps = append(f.Steps, "Who may ask: "+l.Who)
	return f
}
