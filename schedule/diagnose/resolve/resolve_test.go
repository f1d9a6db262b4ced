package resolve_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"harvester/schedule/diagnose/dnstest"
	"harvester/schedule/diagnose/resolve"
)

func client(t *testing.T, servers ...string) *resolve.Client {
	t.Helper()
	return patient(t, 10*time.Second, servers...)
}

func patient(t *testing.T, timeout time.Duration, servers ...string) *resolve.Client {
	t.Helper()
	c, err := resolve.New(resolve.Options{Servers: servers, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const zone = `
example.org. SOA ns.example.org. host.example.org. 1 1 1 1 120
example.org. 600 TXT "v=spf1 a" " -all"
example.org. A 192.0.2.1
big.example.org. TXT ` + "\"" + `0123456789012345678901234567890123456789" "end"
www.example.org. CNAME host.example.net.
host.example.net. AAAA 2001:db8::1
round.example.org. CNAME trip.example.org.
trip.example.org. CNAME round.example.org.
deep.a.example.org. A 192.0.2.2
*.wild.example.org. TXT "any"
absurd.example.org. 2147483647 A 192.0.2.3
odd.example.org. TXT "\027[31m\128\"x\\y"
mx.example.org. MX 20 b.example.org.
mx.example.org. MX 10 A.example.org.
null.example.org. MX 0 .
25.2.0.192.in-addr.arpa. PTR Mail.Example.org.
`

func TestAnswers(t *testing.T) {
	s := dnstest.Start(t, zone, `
servfail bad.example.org
refused no.example.org
other liar.example.org
tcp big.example.org
cut cut.example.org
bare www.example.org
ad example.net`)
	c := client(t, s.Addr)
	for _, tt := range []struct {
		name  string
		typ   uint16
		state resolve.State
		want  string // the values, or a part of the reason
	}{
		{"EXAMPLE.org", dns.TypeTXT, resolve.Found, "v=spf1 a -all"},
		{"example.org", dns.TypeMX, resolve.NoData, ""},
		{"a.example.org", dns.TypeA, resolve.NoData, ""}, // an empty non-terminal
		{"nothing.example.org", dns.TypeA, resolve.NXDomain, ""},
		{"x.wild.example.org", dns.TypeTXT, resolve.Found, "any"},
		{"big.example.org", dns.TypeTXT, resolve.Found, "0123456789012345678901234567890123456789end"},
		{"www.example.org", dns.TypeAAAA, resolve.Found, "2001:db8::1"},
		{"round.example.org", dns.TypeA, resolve.Unknown, "circle"},
		{"bad.example.org", dns.TypeA, resolve.Unknown, "SERVFAIL"},
		{"no.example.org", dns.TypeA, resolve.Unknown, "REFUSED"},
		{"liar.example.org", dns.TypeA, resolve.Unknown, "another question"},
		{"cut.example.org", dns.TypeA, resolve.Unknown, "cut short"},
		{"odd.example.org", dns.TypeTXT, resolve.Found, "\x1b[31m\x80\"x\\y"},
		{strings.Repeat("a.", 300) + "org", dns.TypeA, resolve.Unknown, "bytes"},
		{"a..org", dns.TypeA, resolve.Unknown, "no host name"},
		{"a b.org", dns.TypeA, resolve.Unknown, "no host name"},
		{"", dns.TypeA, resolve.Unknown, "no host name"},
	} {
		a := c.Ask(context.Background(), tt.name, tt.typ)
		got := strings.Join(a.Values, "|")
		if tt.state == resolve.Unknown {
			if got = a.Why; !strings.Contains(got, tt.want) {
				t.Errorf("%.40s: %q", tt.name, got)
			}
		} else if got != tt.want {
			t.Errorf("%s: %q", tt.name, got)
		}
		if a.State != tt.state {
			t.Errorf("%.40s: state %d (%s)", tt.name, a.State, a.Why)
		}
	}
	if a := c.Ask(context.Background(), "example.org", dns.TypeTXT); a.TTL != 10*time.Minute || a.Server != s.Addr || a.At.IsZero() || a.AD {
		t.Errorf("%+v", a)
	}
	if a := c.Ask(context.Background(), "absurd.example.org", dns.TypeA); a.TTL != 24*time.Hour {
		t.Errorf("TTL %s", a.TTL)
	}
	if a := c.Ask(context.Background(), "nothing.example.org", dns.TypeA); a.TTL != 2*time.Minute {
		t.Errorf("negative TTL %s", a.TTL)
	}
	if a := c.Ask(context.Background(), "host.example.net", dns.TypeAAAA); !a.AD {
		t.Error("AD is lost")
	}
	mx := c.Ask(context.Background(), "mx.example.org", dns.TypeMX)
	null := c.Ask(context.Background(), "null.example.org", dns.TypeMX)
	ptr := c.Ask(context.Background(), resolve.Reverse(netip.MustParseAddr("::ffff:192.0.2.25")), dns.TypePTR)
	if got := fmt.Sprint(mx.Hosts(), null.Hosts(), ptr.Hosts()); got != "[a.example.org b.example.org] [.] [mail.example.org]" {
		t.Error(got)
	}
}

// Who is told of the questions is told of one at a time: it may count without
// a lock, though questions leave side by side.
func TestTellsOneAtATime(t *testing.T) {
	s := dnstest.Start(t, zone, "")
	told := 0
	c, err := resolve.New(resolve.Options{Servers: []string{s.Addr}, Asked: func(resolve.Answer) { told++ }})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { c.Ask(context.Background(), fmt.Sprintf("n%d.example.org", i), dns.TypeA) })
	}
	wg.Wait()
	if told != 20 {
		t.Errorf("told of %d questions of 20", told)
	}
}

// A question leaves once, whoever asks it how often; a silent server costs its
// time once, and the next one is asked.
func TestAskedOnce(t *testing.T) {
	s := dnstest.Start(t, zone, "")
	c := client(t, s.Addr)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if a := c.Ask(context.Background(), "example.org", dns.TypeA); a.State != resolve.Found {
				t.Error(a.Why)
			}
		})
	}
	wg.Wait()
	if got := s.Asked(); !slices.Equal(got, []string{"example.org. A"}) {
		t.Error(got)
	}

	silent := dnstest.Start(t, "", "silent .")
	c = patient(t, 2*time.Second, silent.Addr, s.Addr)
	if a := c.Ask(context.Background(), "example.org", dns.TypeA); a.State != resolve.Found || a.Server != s.Addr {
		t.Errorf("%+v", a)
	}
	c = patient(t, 200*time.Millisecond, silent.Addr)
	for range 3 {
		if a := c.Ask(context.Background(), "example.org", dns.TypeA); a.State != resolve.Unknown || !strings.Contains(a.Why, "in time") {
			t.Errorf("%+v", a)
		}
	}
	if n := len(silent.Asked()); n != 3 {
		t.Errorf("asked %d times", n)
	}
}

func TestBudget(t *testing.T) {
	s := dnstest.Start(t, zone, "")
	c, err := resolve.New(resolve.Options{Servers: []string{s.Addr}, Budget: 2})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []resolve.State{resolve.NXDomain, resolve.NXDomain, resolve.Unknown} {
		if a := c.Ask(context.Background(), fmt.Sprintf("n%d.example.org", i), dns.TypeA); a.State != want {
			t.Errorf("%d: %+v", i, a)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if a := client(t, s.Addr).Ask(ctx, "example.org", dns.TypeA); a.State != resolve.Unknown || a.Why != "the run was ended" {
		t.Errorf("%+v", a)
	}
}

func TestBelow(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.25":        "25.2.0.192.list.example",
		"2001:db8::1":       "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.list.example",
		"::ffff:192.0.2.25": "25.2.0.192.list.example",
	} {
		if got := resolve.Below(netip.MustParseAddr(ip), "list.example"); got != want {
			t.Errorf("%s: %s", ip, got)
		}
	}
}
