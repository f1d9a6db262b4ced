// Package resolve asks a resolver of choice, and never another one: every
// question within a budget, a rate and a time limit, every answer with its
// resolver, time and TTL. What a resolver could not say (SERVFAIL, REFUSED,
// silence, nonsense) is Unknown with a reason; it is never taken for "there is
// no such record".
package resolve

import (
	"context"
	"errors"
	"fmt"
	"harvester/parse/count"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Options are what a Client works with. The zero values stand for the usual.
type Options struct {
	Servers []string         // host:port, tried in order; none: those of /etc/resolv.conf
	Timeout time.Duration    // of one try; 3 s
	Budget  int              // questions in all; 2000
	Rate    int              // questions a second; 50
	Now     func() time.Time // of the answers; time.Now
	Asked   func(Answer)     // sees every question that left, once and one at a time; nil: nobody
}

const (
	inFlight  = 8              // look-ups at a time
	maxHops   = 8              // of a CNAME chain
	maxValues = 64             // records of one answer that are looked at
	maxText   = 64 << 10       // bytes of one record
	longest   = 24 * time.Hour // how long an answer is kept, whatever its TTL
)

// ErrNoResolver tells that there is no resolver to ask.
var ErrNoResolver = errors.New("no resolver is configured")

// Client asks. It is safe for use by many goroutines; what two of them ask at
// a time is asked once.
type Client struct {
	opts  Options
	slots chan struct{}

	mu     sync.Mutex
	cache  map[question]*entry
	left   int
	tokens float64
	filled time.Time

	telling sync.Mutex // one Asked at a time
}

type question struct {
	name string
	typ  uint16
}

type entry struct {
	done   chan struct{}
	answer Answer
	until  time.Time
}

// New makes a client. It fails with ErrNoResolver where no server is given and
// the system names none.
func New(o Options) (*Client, error) {
	if len(o.Servers) == 0 {
		conf, err := dns.ClientConfigFromFile("/etc/resolv.conf")
		if err != nil || len(conf.Servers) == 0 {
			return nil, ErrNoResolver
		}
		for _, s := range conf.Servers {
			o.Servers = append(o.Servers, net.JoinHostPort(s, conf.Port))
		}
	}
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	if o.Budget == 0 {
		o.Budget = 2000
	}
	if o.Rate == 0 {
		o.Rate = 50
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Client{opts: o, slots: make(chan struct{}, inFlight), cache: map[question]*entry{}, left: o.Budget, tokens: float64(o.Rate)}, nil
}

// Servers are the resolvers that are asked.
func (c *Client) Servers() []string { return slices.Clone(c.opts.Servers) }

// Ask asks for records of a type at a name. It always answers: within the
// timeout for each server, and at once when the budget is spent.
func (c *Client) Ask(ctx context.Context, name string, typ uint16) Answer {
	fqdn, problem := Name(name)
	q := question{strings.ToLower(fqdn), typ}
	if problem != "" {
		return c.unknown(q, problem)
	}
	c.mu.Lock()
	e := c.cache[q]
	if e != nil && (e.until.IsZero() || time.Now().Before(e.until)) {
		c.mu.Unlock()
		select {
		case <-e.done:
			return e.answer
		case <-ctx.Done():
			return c.unknown(q, reasonOf(ctx.Err()))
		}
	}
	if c.left <= 0 {
		c.mu.Unlock()
		return c.unknown(q, fmt.Sprintf("the budget of %s is spent", count.Of(c.opts.Budget, "question")))
	}
	c.left--
	e = &entry{done: make(chan struct{})}
	c.cache[q] = e
	c.mu.Unlock()

	e.answer = c.follow(ctx, q)
	c.mu.Lock()
	e.until = time.Now().Add(keep(&e.answer))
	if ctx.Err() != nil {
		delete(c.cache, q) // the next one may have more time
	}
	c.mu.Unlock()
	close(e.done)
	if c.opts.Asked != nil {
		c.telling.Lock()
		c.opts.Asked(e.answer)
		c.telling.Unlock()
	}
	return e.answer
}

// keep is for how long an answer is not asked for again: by its TTL, in
// bounds; failures for half a minute, so that a dead server costs its timeout
// once in a run.
func keep(a *Answer) time.Duration {
	switch a.State {
	case Found:
		return min(max(a.TTL, time.Minute), time.Hour)
	case NoData, NXDomain:
		return min(max(a.TTL, time.Minute), 15*time.Minute)
	}
	return 30 * time.Second
}

// follow asks, and follows a CNAME whose target the server left out.
func (c *Client) follow(ctx context.Context, q question) Answer {
	a := c.try(ctx, q)
	seen := []string{q.name}
	for a.State == NoData && len(a.Chain) > 0 {
		next := strings.ToLower(a.Chain[len(a.Chain)-1])
		if slices.Contains(seen, next) || len(seen) > maxHops {
			return c.unknown(q, "its CNAME records lead in a circle")
		}
		seen = append(seen, next)
		b := c.try(ctx, question{next, q.typ})
		if b.State == NoData && len(b.Chain) == 0 || b.State != NoData {
			b.Name, b.Chain = a.Name, append(slices.Clone(a.Chain), b.Chain...)
			return b
		}
		a.Chain = append(slices.Clone(a.Chain), b.Chain...)
	}
	return a
}

// try asks the servers one after the other until one knows.
func (c *Client) try(ctx context.Context, q question) Answer {
	var a Answer
	servers := c.opts.Servers
	if len(servers) == 1 {
		servers = []string{servers[0], servers[0]} // a lost datagram is no answer
	}
	for _, server := range servers[:2] {
		if a = c.exchange(ctx, server, q); a.State != Unknown || ctx.Err() != nil {
			break
		}
	}
	return a
}

// exchange asks one server: by UDP, and by TCP when that answer was cut.
func (c *Client) exchange(ctx context.Context, server string, q question) Answer {
	if err := c.wait(ctx); err != nil {
		return c.unknown(q, reasonOf(err))
	}
	defer func() { <-c.slots }()
	m := new(dns.Msg)
	m.SetQuestion(q.name, q.typ)
	m.RecursionDesired, m.AuthenticatedData = true, true
	m.SetEdns0(1232, false)
	in, cutShort, err := c.transport(ctx, server, m)
	if err == nil && (in.Rcode == dns.RcodeFormatError || in.Rcode == dns.RcodeNotImplemented) {
		m.Extra = nil // old servers and firewalls know no EDNS (RFC 6891 §7)
		in, cutShort, err = c.transport(ctx, server, m)
	}
	a := c.unknown(q, "")
	a.Server = server
	switch {
	case err != nil && cutShort:
		a.Why = "the answer was cut short, and there is no whole one by TCP"
	case err != nil:
		a.Why = reasonOf(err)
	case len(in.Question) != 1 || !strings.EqualFold(in.Question[0].Name, q.name) || in.Question[0].Qtype != q.typ:
		a.Why = "the resolver answered another question"
	case in.Truncated:
		a.Why = "the answer was cut short"
	case in.Rcode == dns.RcodeNameError || in.Rcode == dns.RcodeSuccess:
		a.read(in, q)
	default:
		a.Why = "the resolver said " + rcode(in.Rcode)
	}
	return a
}

// transport sends a question by UDP, and by TCP when that answer was cut short.
func (c *Client) transport(ctx context.Context, server string, m *dns.Msg) (in *dns.Msg, cutShort bool, err error) {
	for _, network := range [...]string{"udp", "tcp"} {
		// QUIRK: the client of miekg/dns 1.1.73 does not repeat a truncated
		// answer by TCP, and takes one to another question.
		cl := dns.Client{Net: network, Timeout: c.opts.Timeout, UDPSize: 1232}
		in, _, err = cl.ExchangeContext(ctx, m, server)
		if err != nil || !in.Truncated {
			break
		}
		cutShort = true
	}
	return in, cutShort, err
}

func rcode(n int) string {
	if s, ok := dns.RcodeToString[n]; ok {
		return s
	}
	return fmt.Sprintf("code %d", n)
}

// wait takes a place among those in flight, and a token of the rate.
func (c *Client) wait(ctx context.Context) error {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	c.mu.Lock()
	now := time.Now()
	if !c.filled.IsZero() {
		c.tokens = min(c.tokens+now.Sub(c.filled).Seconds()*float64(c.opts.Rate), float64(c.opts.Rate))
	}
	c.filled = now
	c.tokens--
	var pause time.Duration
	if c.tokens < 0 {
		pause = time.Duration(-c.tokens / float64(c.opts.Rate) * float64(time.Second))
	}
	c.mu.Unlock()
	if pause == 0 {
		return nil
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		<-c.slots
		return ctx.Err()
	}
}

func (c *Client) unknown(q question, why string) Answer {
	typ, ok := dns.TypeToString[q.typ]
	if !ok {
		typ = fmt.Sprintf("TYPE%d", q.typ)
	}
	return Answer{Name: q.name, Type: typ, Why: why, At: c.opts.Now().UTC()}
}

// reasonOf is an error of the network in a few words, without addresses of
// this machine.
func reasonOf(err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "the run was ended"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "the resolver did not answer in time"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return "the resolver can't be reached"
	}
	return "the resolver's answer can't be read"
}
