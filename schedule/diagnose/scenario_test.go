package diagnose_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
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

var update = flag.Bool("update", false, "write what the scenarios find")

// now is the time of all scenarios.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// A scenario is a txtar archive: "zone" and "faults" of the DNS server (common
// ones stand in common.zone), "ask" (what is diagnosed, one "key: value" a
// line) or "mail" (a notice), "earlier" (records as they were seen before),
// "found" (faults that were found before), "shown" (mail that came back), "peers" (receivers' servers, which
// are spoken to) and "want" (findings).
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	common, err := os.ReadFile("testdata/common.zone")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(path), "testdata/"), ".txt"), func(t *testing.T) {
			t.Parallel()
			scenario(t, path, string(common))
		})
	}
}

func scenario(t *testing.T, path, common string) {
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	part := map[string]string{}
	for _, f := range a.Files {
		part[f.Name] = string(f.Data)
	}
	peers := startPeers(t, part["peers"], part["policy"])
	server := dnstest.Start(t, common+peers.fill(part["zone"]), part["faults"])
	got := find(t, server, part, peers)
	if *update {
		a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
		a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(got)})
		if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != part["want"] {
		t.Errorf("found\n%s\nwant\n%s", got, part["want"])
	}
	for _, q := range server.Asked() {
		if strings.Contains(q, "@") || strings.Contains(q, "jane") {
			t.Errorf("asked for %s, which carries an address", q)
		}
	}
}

// find runs one scenario and writes what was found in short.
func find(t *testing.T, server *dnstest.Server, part map[string]string, peers *peers) string {
	t.Helper()
	timeout := 10 * time.Second
	if strings.Contains(part["faults"], "silent") || strings.HasPrefix(part["faults"], "id ") {
		timeout = 500 * time.Millisecond
	}
	client, err := resolve.New(resolve.Options{Servers: []string{server.Addr}, Timeout: timeout, Rate: 1000, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	o := diagnose.Options{Client: client, Own: []string{"example.org"}, Now: func() time.Time { return now }}
	ev := diagnose.Evidence{Claim: diagnose.Claim{First: now.Add(-24 * time.Hour), Last: now.Add(-time.Hour), Count: 1}}
	what, subject := "incident", ""
	for line := range strings.Lines(part["ask"]) {
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
	if _, ok := part["peers"]; ok {
		o.Connect, o.Dial, o.Roots = true, peers.dial, peers.roots
	}
	if text, ok := part["found"]; ok {
		o.Found, ev.Incident = foundBefore(t, text), "the incident"
	}
	if text, ok := part["earlier"]; ok {
		o.History = earlier(t, text)
	}
	if text, ok := part["shown"]; ok {
		o.Shown = shown(t, text)
	}
	c := diagnose.New(o)
	var list []diagnose.Finding
	switch {
	case part["mail"] != "":
		raw := []byte(part["mail"])
		res := parse.Parse(raw, &parse.Options{OwnDomains: o.Own})
		evs := diagnose.Notice(raw, &res, o.Own)
		if len(evs) == 0 {
			t.Fatalf("nothing is claimed: %+v", res.Recipients)
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
	sound(t, list)
	return short(list, server.Addr)
}

// sound checks what holds for every finding.
func sound(t *testing.T, list []diagnose.Finding) {
	t.Helper()
	if len(list) == 0 {
		t.Error("nothing was found")
	}
	for i := range list {
		f := &list[i]
		if f.Answer == "" || f.Verdict == "" || f.Owner == "" || f.Check() == f.ID {
			t.Errorf("%+v", f)
		}
		if f.Verdict == diagnose.Confirmed && len(f.Steps) == 0 {
			t.Errorf("%s: no step", f.ID)
		}
		for _, r := range f.Records {
			if !strings.HasSuffix(r.Name, "example.org.") {
				t.Errorf("%s: a record for %s, which is not ours", f.ID, r.Name)
			}
		}
		if _, err := json.Marshal(f); err != nil {
			t.Error(err)
		}
	}
}

// short is a finding a line, with the records to publish.
func short(list []diagnose.Finding, addr string) string {
	var b strings.Builder
	for i := range list {
		f := &list[i]
		advice := ""
		if f.Advice {
			advice = " (advice)"
		}
		fmt.Fprintf(&b, "%s %s %s%s: %s\n", f.Verdict, f.ID, f.Owner, advice, strings.ReplaceAll(fmt.Sprintf("%q", f.Answer), addr, "RESOLVER"))
		for _, r := range f.Records {
			for _, old := range r.Before {
				fmt.Fprintf(&b, "  - %s %s %q\n", r.Name, r.Type, old)
			}
			fmt.Fprintf(&b, "  + %s %s %q\n", r.Name, r.Type, r.After)
			if r.Note != "" {
				fmt.Fprintf(&b, "    %s\n", r.Note)
			}
		}
		for _, s := range f.Steps {
			if strings.HasPrefix(s, "No record can be derived") || strings.HasPrefix(s, "It leaves out") || strings.HasPrefix(s, "What each term") ||
				strings.HasPrefix(s, "Kept: ") || strings.HasPrefix(s, "Not seen here: ") {
				fmt.Fprintf(&b, "  %s\n", s)
			}
		}
	}
	return b.String()
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
		e := diagnose.Earlier{State: w[2], First: now.AddDate(0, 0, -from), Last: now.AddDate(0, 0, -to)}
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
