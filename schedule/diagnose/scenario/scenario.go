// Package scenario reads and runs what the tests of diagnose are made of: a zone,
// what is asked or a notice, and what is found, as text.
//
// A scenario is a txtar archive: "zone" and "faults" of the DNS server (common
// ones stand in common.zone), "ask" (what is diagnosed, one "key: value" a
// line) or "mail" (a notice), "earlier" (records as they were seen before),
// "found" (faults that were found before), "shown" (mail that came back), "peers"
// (receivers' servers, which are spoken to) and "want" (findings).
package scenario

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/schedule/diagnose"
	"harvester/schedule/diagnose/dnstest"
	"harvester/schedule/diagnose/resolve"
)

// Now is the time of all scenarios.
var Now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// Scenario is one of them.
type Scenario struct {
	Name  string // "spf/after-all"
	Title string
	Path  string
	Part  map[string]string
}

// All are the scenarios below a folder, in order of their names.
func All(t *testing.T, dir string) (out []Scenario) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in %s: %v", dir, err)
	}
	common, err := os.ReadFile(filepath.Join(dir, "common.zone"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(dir, strings.TrimSuffix(path, ".txt"))
		if err != nil {
			t.Fatal(err)
		}
		s := Scenario{Name: filepath.ToSlash(name), Path: path, Part: map[string]string{"common": string(common)}}
		s.Title, _, _ = strings.Cut(strings.TrimSpace(string(a.Comment)), "\n")
		for _, f := range a.Files {
			s.Part[f.Name] = string(f.Data)
		}
		out = append(out, s)
	}
	return out
}

// Update writes what is found into the scenario.
func (s *Scenario) Update(t *testing.T, want string) {
	t.Helper()
	a, err := txtar.ParseFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.Files {
		if a.Files[i].Name == "want" {
			a.Files[i].Data = []byte(want)
			want = ""
		}
	}
	if want != "" {
		a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(want)})
	}
	if err := os.WriteFile(s.Path, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Run starts the servers of the scenario and finds what there is.
func (s *Scenario) Run(t *testing.T) ([]diagnose.Finding, *dnstest.Server) {
	t.Helper()
	peers := startPeers(t, s.Part["peers"], s.Part["policy"])
	server := dnstest.Start(t, s.Part["common"]+peers.fill(s.Part["zone"]), s.Part["faults"])
	return s.Find(t, server, peers), server
}

// Find runs the scenario with a server of its zone, beside other records.
func (s *Scenario) Find(t *testing.T, server *dnstest.Server, peers *Peers) []diagnose.Finding {
	t.Helper()
	timeout := 10 * time.Second
	if strings.Contains(s.Part["faults"], "silent") || strings.HasPrefix(s.Part["faults"], "id ") {
		timeout = 500 * time.Millisecond
	}
	client, err := resolve.New(resolve.Options{Servers: []string{server.Addr}, Timeout: timeout, Rate: 1000, Now: func() time.Time { return Now }})
	if err != nil {
		t.Fatal(err)
	}
	o := diagnose.Options{Client: client, Own: []string{"example.org"}, Now: func() time.Time { return Now }}
	ev, what, subject := s.Ask(t, &o)
	if _, ok := s.Part["peers"]; ok {
		o.Connect, o.Dial, o.Roots = true, peers.dial, peers.roots
	}
	if text, ok := s.Part["found"]; ok {
		o.Found, ev.Incident = foundBefore(t, text), "the incident"
	}
	if text, ok := s.Part["earlier"]; ok {
		o.History = earlier(t, text)
	}
	if text, ok := s.Part["shown"]; ok {
		o.Shown = shown(t, text)
	}
	c := diagnose.New(o)
	var list []diagnose.Finding
	switch {
	case s.Part["mail"] != "":
		evs := s.Notices(o.Own)
		if len(evs) == 0 {
			t.Fatal("nothing is claimed")
		}
		for i := range evs {
			list = append(list, c.Incident(context.Background(), &evs[i])...)
		}
	case what == "domain":
		list = c.Domain(context.Background(), subject)
	case what == "address":
		list = c.IP(context.Background(), netip.MustParseAddr(subject))
	default:
		list = c.Incident(context.Background(), &ev)
	}
	return list
}

// Ask reads what is asked: about an incident, or of what kind the subject is; the
// options take what it says of us.
func (s *Scenario) Ask(t *testing.T, o *diagnose.Options) (ev diagnose.Evidence, what, subject string) {
	t.Helper()
	ev.Claim = diagnose.Claim{First: Now.Add(-24 * time.Hour), Last: Now.Add(-time.Hour), Count: 1}
	what = "incident"
	for line := range strings.Lines(s.Part["ask"]) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch key {
		case "":
		case "domain", "address", "requirements":
			what, subject = key, value
		case "own":
			o.Own = strings.Fields(value)
		case "ips":
			for _, p := range strings.Fields(value) {
				o.IPs = append(o.IPs, netip.MustParsePrefix(p))
			}
		case "selectors":
			o.Selectors = strings.Fields(value)
		case "lists":
			o.Lists = strings.Fields(value)
		case "group":
			ev.Group = value
		case "cause":
			ev.Cause = value
		case "ip":
			ev.IP = netip.MustParseAddr(value)
		case "reporter":
			ev.Reports(value, o.Own)
		case "direct":
			ev.Direct = true
		case "mailfrom":
			ev.MailFrom = value
		case "null":
			ev.Null = true
		case "helo":
			ev.Helo = value
		case "from":
			ev.From = value
		case "signatures":
			ev.Signatures = strings.Fields(value)
		case "recipient":
			ev.Recipient = value
		case "remote":
			ev.Remote = value
		case "status":
			ev.Claim.Status = value
		case "reply":
			ev.Claim.Sentence = value
		case "reason":
			if err := ev.Claim.Reason.UnmarshalText([]byte(value)); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("what is %q?", key)
		}
	}
	return ev, what, subject
}

// Notices are what the mail of the scenario claims, nil without one.
func (s *Scenario) Notices(own []string) []diagnose.Evidence {
	if s.Part["mail"] == "" {
		return nil
	}
	raw := []byte(s.Part["mail"])
	res := parse.Parse(raw, &parse.Options{OwnDomains: own})
	return diagnose.Notice(raw, &res, own)
}

// earlier reads "NAME TYPE STATE FIRST LAST VALUE|VALUE", times as days before
// now.
func earlier(t *testing.T, text string) func(name, typ string) []diagnose.Earlier {
	all := map[string][]diagnose.Earlier{}
	for line := range strings.Lines(text) {
		w := strings.SplitN(strings.TrimSpace(line), " ", 6)
		if len(w) < 5 {
			t.Fatalf("earlier %q", line)
		}
		var from, to int
		if _, err := fmt.Sscan(w[3]+" "+w[4], &from, &to); err != nil {
			t.Fatal(err)
		}
		e := diagnose.Earlier{State: w[2], First: Now.AddDate(0, 0, -from), Last: Now.AddDate(0, 0, -to)}
		if len(w) == 6 {
			e.Values = strings.Split(w[5], "|")
		}
		all[w[0]+w[1]] = append(all[w[0]+w[1]], e)
	}
	return func(name, typ string) []diagnose.Earlier { return all[name+typ] }
}

// shown reads "N WORD...", mails that came back: a complaint, a list, tls (it was
// wanted), mailfrom=DOMAIN, key=NAME, unsubscribe=HOW, ip=ADDRESS; and "sent DAYS
// MAILS COMPLAINTS".
func shown(t *testing.T, text string) func(string) ([]diagnose.Shown, *diagnose.Sent) {
	var list []diagnose.Shown
	var sent *diagnose.Sent
	for line := range strings.Lines(text) {
		var s diagnose.Shown
		if strings.HasPrefix(line, "sent ") {
			sent = &diagnose.Sent{}
			if _, err := fmt.Sscan(line[5:], &sent.Days, &sent.Mails, &sent.Complaints); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for i, word := range strings.Fields(line) {
			key, value, _ := strings.Cut(word, "=")
			switch {
			case i == 0:
				if _, err := fmt.Sscan(word, &s.N); err != nil {
					t.Fatal(err)
				}
			case key == "complaint":
				s.Complaint = true
			case key == "list":
				s.List = true
			case key == "tls":
				s.Reason, s.Reply = bounce.TLSFailed, "530 5.7.0 Must issue a STARTTLS command first"
			case key == "mailfrom":
				s.MailFrom = value
			case key == "key":
				s.Signatures = append(s.Signatures, value)
			case key == "unsubscribe":
				s.Unsubscribe = parse.Unsubscribe(value)
			case key == "ip":
				s.IP = netip.MustParseAddr(value)
			default:
				t.Fatalf("what is %q?", word)
			}
		}
		list = append(list, s)
	}
	return func(string) ([]diagnose.Shown, *diagnose.Sent) { return list, sent }
}
