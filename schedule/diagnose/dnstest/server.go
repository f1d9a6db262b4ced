// Package dnstest is a DNS server for tests, on loopback by UDP and TCP: zones
// from text, and faults at names.
package dnstest

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Server answers from its zones. A name that no zone holds does not exist.
type Server struct {
	Addr string // host:port

	records []dns.RR
	faults  []fault
	delay   time.Duration
	stop    []func()

	mu    sync.Mutex
	asked []string
}

// fault is what happens at a name, and below it.
type fault struct {
	do, name string
	alone    bool   // not below it
	typ      uint16 // 0: any
}

// Start serves zones, in the form of master files. The faults, one a line, are
// "WHAT NAME [TYPE]": servfail, refused, silent (no answer), other (an answer
// to another question), id (an answer with another id), once (SERVFAIL the first
// time), noedns (FORMERR where EDNS is used), tcp (cut by UDP), cut (cut by TCP,
// too), notcp (cut by UDP, and TCP is closed), bare (a CNAME without its target),
// ad (vouched for), empty (what is not there exists without records), lie (every
// name that is not there has the address 192.0.2.99). "=NAME" leaves out what is
// below it; "delay DURATION" holds for all.
func Start(t testing.TB, zones, faults string) *Server {
	t.Helper()
	s, err := New(zones, faults)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// New is Start for those who close the server themselves.
func New(zones, faults string) (*Server, error) { return On("127.0.0.1:0", zones, faults) }

// On is New at an address of the caller's choice.
func On(addr, zones, faults string) (*Server, error) {
	s := &Server{}
	p := dns.NewZoneParser(strings.NewReader(zones), ".", "zones")
	p.SetDefaultTTL(3600)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		s.records = append(s.records, rr)
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	for line := range strings.Lines(faults) {
		w := strings.Fields(line)
		switch {
		case len(w) == 0:
			continue
		case len(w) < 2:
			return nil, fmt.Errorf("fault %q", line)
		case w[0] == "delay":
			d, err := time.ParseDuration(w[1])
			if err != nil {
				return nil, err
			}
			s.delay = d
			continue
		}
		name, alone := strings.CutPrefix(w[1], "=")
		f := fault{do: w[0], name: strings.ToLower(dns.Fqdn(name)), alone: alone}
		if len(w) > 2 {
			f.typ = dns.StringToType[w[2]]
		}
		s.faults = append(s.faults, f)
	}
	conn, l, err := listen(addr)
	if err != nil {
		return nil, err
	}
	s.Addr = conn.LocalAddr().String()
	for _, server := range []*dns.Server{{PacketConn: conn, Handler: s}, {Listener: l, Handler: s}} {
		started, ended := make(chan struct{}), make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		go func() {
			defer close(ended)
			server.ActivateAndServe()
		}()
		<-started
		s.stop = append(s.stop, func() {
			server.Shutdown()
			<-ended
		})
	}
	return s, nil
}

// Close ends the server.
func (s *Server) Close() {
	for _, stop := range s.stop {
		stop()
	}
}

// listen opens one port for both: a free one of UDP may be taken by TCP.
func listen(addr string) (net.PacketConn, net.Listener, error) {
	for try := 0; ; try++ {
		conn, err := net.ListenPacket("udp", addr)
		if err != nil {
			return nil, nil, err
		}
		l, err := net.Listen("tcp", conn.LocalAddr().String())
		if err == nil {
			return conn, l, nil
		}
		conn.Close()
		if try == 50 {
			return nil, nil, err
		}
	}
}

// Asked are the questions so far, "name TYPE".
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// times is how often a question was asked so far.
func (s *Server) times(name string, typ uint16) (n int) {
	question := fmt.Sprintf("%s %s", name, dns.TypeToString[typ])
	for _, q := range s.Asked() {
		if q == question {
			n++
		}
	}
	return n
}

// ServeDNS answers one question.
func (s *Server) ServeDNS(w dns.ResponseWriter, m *dns.Msg) {
	q := m.Question[0]
	name := strings.ToLower(q.Name)
	s.mu.Lock()
	s.asked = append(s.asked, fmt.Sprintf("%s %s", name, dns.TypeToString[q.Qtype]))
	s.mu.Unlock()
	if s.delay > 0 {
		time.Sleep(s.delay)
	}
	udp := w.LocalAddr().Network() == "udp"
	r := new(dns.Msg)
	r.SetReply(m)
	r.RecursionAvailable = true
	follow, lie, there := true, false, false
	for _, f := range s.faults {
		if !dns.IsSubDomain(f.name, name) || f.alone && f.name != name || f.typ != 0 && f.typ != q.Qtype {
			continue
		}
		switch f.do {
		case "servfail":
			r.Rcode = dns.RcodeServerFailure
			w.WriteMsg(r)
			return
		case "refused":
			r.Rcode = dns.RcodeRefused
			w.WriteMsg(r)
			return
		case "silent":
			return
		case "once":
			if s.times(name, q.Qtype) == 1 {
				r.Rcode = dns.RcodeServerFailure
				w.WriteMsg(r)
				return
			}
		case "id":
			r.Id++
		case "noedns":
			if m.IsEdns0() != nil {
				r.Rcode = dns.RcodeFormatError
				w.WriteMsg(r)
				return
			}
		case "empty":
			there = true
		case "other":
			r.Question[0].Name = "other.example."
		case "tcp", "cut", "notcp":
			if !udp && f.do == "notcp" {
				w.Close()
				return
			}
			if udp || f.do == "cut" {
				r.Truncated = true
				w.WriteMsg(r)
				return
			}
		case "bare":
			follow = false
		case "ad":
			r.AuthenticatedData = true
		case "lie":
			lie = true
		}
	}
	s.answer(r, name, q.Qtype, follow)
	if there && r.Rcode == dns.RcodeNameError {
		r.Rcode = dns.RcodeSuccess
	}
	if lie && len(r.Answer) == 0 && q.Qtype == dns.TypeA {
		r.Rcode = dns.RcodeSuccess
		r.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(192, 0, 2, 99)}}
	}
	if udp {
		size := dns.MinMsgSize
		if opt := m.IsEdns0(); opt != nil {
			size = int(opt.UDPSize())
		}
		r.Truncate(size)
	}
	w.WriteMsg(r)
}

func (s *Server) answer(r *dns.Msg, name string, typ uint16, follow bool) {
	for range 12 {
		found, alias, exists := s.at(name, typ)
		r.Answer = append(r.Answer, found...)
		if alias == "" || !follow {
			if len(found) == 0 && alias == "" {
				if !exists {
					r.Rcode = dns.RcodeNameError
				}
				r.Ns = s.soa(name)
			}
			return
		}
		name = alias
	}
}

// at finds the records of a type at a name, itself or by a wildcard.
func (s *Server) at(name string, typ uint16) (found []dns.RR, alias string, exists bool) {
	look := func(owner string) {
		for _, rr := range s.records {
			h := rr.Header()
			at := strings.ToLower(h.Name)
			if at != owner {
				exists = exists || owner == name && dns.IsSubDomain(name, at) // an empty one between others
				continue
			}
			exists = true
			cname, isAlias := rr.(*dns.CNAME)
			if h.Rrtype != typ && !isAlias {
				continue
			}
			rr := dns.Copy(rr)
			rr.Header().Name = name
			found = append(found, rr)
			if isAlias && typ != dns.TypeCNAME {
				alias = strings.ToLower(cname.Target)
			}
		}
	}
	look(name)
	for parent := name; !exists; {
		i := strings.IndexByte(parent, '.')
		if i < 0 || i == len(parent)-1 {
			break
		}
		parent = parent[i+1:]
		if look("*." + parent); exists || s.exists(parent) {
			break
		}
	}
	return found, alias, exists
}

func (s *Server) exists(name string) bool {
	return slices.ContainsFunc(s.records, func(rr dns.RR) bool { return dns.IsSubDomain(name, strings.ToLower(rr.Header().Name)) })
}

func (s *Server) soa(name string) []dns.RR {
	for _, rr := range s.records {
		if soa, ok := rr.(*dns.SOA); ok && dns.IsSubDomain(strings.ToLower(soa.Hdr.Name), name) {
			return []dns.RR{soa}
		}
	}
	return nil
}
