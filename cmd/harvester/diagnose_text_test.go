package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"harvester/parse/columns"
	"harvester/schedule/diagnose"
	zones "harvester/schedule/diagnose/scenario"
)

// Whatever is found, no line is wider than a terminal but for a link that would
// not be whole otherwise, nothing steers the terminal, and the record can be
// pasted as it stands.
func TestFindingsOnTheTerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("all scenarios are looked up again")
	}
	for _, s := range zones.All(t, "../../schedule/diagnose/testdata") {
		if strings.Contains(s.Part["faults"], "silent") {
			continue // they take their time, and find what others find
		}
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			list, _ := s.Run(t)
			for i := range list {
				onTerminal(t, &list[i])
			}
		})
	}
}

// What records, names and replies can hold at worst.
func TestHostileFindingOnTheTerminal(t *testing.T) {
	for _, bad := range []string{strings.Repeat("x", 5000), strings.Repeat("a.", 300) + "example.org", strings.Repeat("日本", 300), "\x1b[31m\x1b]0;title\x07\r\n\u202eabc\x9b1m",
		strings.Repeat(`\"`, 300), "https://example.net/" + strings.Repeat("y", 300), "a https://example.net/" + strings.Repeat("y", 300) + " b", strings.Repeat("\xff\xfe", 200), strings.Repeat("e\u0301", 300)} {
		f := diagnose.Finding{ID: "spf.syntax", Incident: bad, Verdict: diagnose.Confirmed, Answer: bad, Owner: diagnose.UsDNS, Claim: &diagnose.Claim{Receiver: bad, Sentence: bad, Count: 1, Last: time.Now()},
			Steps: []string{bad}, Page: bad, Source: bad, Timeline: []diagnose.Moment{{Record: bad, State: "found", Values: []string{bad}}},
			Measured: []diagnose.Measurement{{What: bad, Values: []string{bad, bad}, Note: bad, Resolver: bad}}, Records: []diagnose.Change{{Name: "example.org.", Type: "TXT", Before: []string{bad}, After: bad, Note: bad}}}
		onTerminal(t, &f)
	}
}

func onTerminal(t *testing.T, f *diagnose.Finding) {
	t.Helper()
	var out bytes.Buffer
	p := page{w: &out, zone: time.UTC}
	p.finding(f, colours{})
	if p.err != nil {
		t.Fatal(p.err)
	}
	text := out.String()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if columns.Of(line) > 80 && !columns.IsLink(strings.TrimSpace(line)) {
			t.Errorf("%s: %d columns: %q", f.ID, columns.Of(line), line)
		}
		if strings.ContainsAny(line, "\x1b\x07\r\u009b\u202e") || strings.TrimRight(line, " ") != line {
			t.Errorf("%s: %q", f.ID, line)
		}
	}
	for i := range f.Records {
		r := &f.Records[i]
		from := strings.Index(text, "  publish")
		if r.After == "" || from < 0 {
			continue
		}
		text = strings.TrimPrefix(text[from+len("  publish"):], "\n")
		zone := dns.NewZoneParser(strings.NewReader(strings.TrimLeft(text, " ")), ".", "")
		rr, ok := zone.Next()
		if !ok {
			t.Errorf("%s: the record can't be pasted: %v\n%s", f.ID, zone.Err(), text)
			continue
		}
		value := strings.TrimPrefix(rr.String(), rr.Header().String())
		if txt, is := rr.(*dns.TXT); is {
			var whole []byte
			for _, s := range txt.Txt {
				whole = append(whole, unescape(s)...)
			}
			value = string(whole)
		}
		if !strings.EqualFold(rr.Header().Name, r.Name) || value != printable(r.After) {
			t.Errorf("%s: %s %q is pasted as %s %q", f.ID, r.Name, printable(r.After), rr.Header().Name, value)
		}
	}
}

// unescape is a string of miekg/dns as its bytes.
func unescape(s string) (out []byte) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+3 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
			out = append(out, (s[i+1]-'0')*100+(s[i+2]-'0')*10+s[i+3]-'0')
			i += 3
		case s[i] == '\\' && i+1 < len(s):
			i++
			out = append(out, s[i])
		default:
			out = append(out, s[i])
		}
	}
	return out
}
