package rules

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"harvester/parse/bounce"
)

// family is a row of testdata/blind/families.tsv.
type family struct {
	name    string
	reasons []string
	text    string
}

func families(tb testing.TB) []family {
	tb.Helper()
	f, err := os.Open("../testdata/blind/families.tsv")
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var rows []family
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		row := strings.Split(s.Text(), "\t")
		if len(row) != 3 {
			tb.Fatalf("bad row %q", s.Text())
		}
		rows = append(rows, family{row[0], strings.Split(row[1], ","), strings.ReplaceAll(row[2], `\n`, "\n")})
	}
	return rows
}

// onlyDead reports whether every reason that is right makes the address dead.
func (f *family) onlyDead() bool {
	for _, name := range f.reasons {
		var r bounce.Reason
		if r.UnmarshalText([]byte(name)) != nil || !dead(r) {
			return false
		}
	}
	return true
}

func dead(r bounce.Reason) bool { return r.Class(bounce.Failed) == bounce.ClassHard }

// Replies in words that each family of receivers, gateways and programs uses:
// no living address is called dead, no dead one is missed, and nearly all get
// their reason.
func TestFamilies(t *testing.T) {
	total, right := 0, 0
	for _, row := range families(t) {
		a := Builtin().Classify(Query{Text: row.text})
		total++
		if slices.Contains(row.reasons, a.Reason.String()) {
			right++
			continue
		}
		t.Logf("%s: want %s, got %v by %q on %q: %s", row.name, row.reasons, a.Reason, a.Rule, a.Evidence, row.text)
		switch {
		case dead(a.Reason) && !row.onlyDead():
			t.Errorf("called dead: %s", row.text)
		case row.onlyDead() && !dead(a.Reason):
			t.Errorf("a dead address is missed: %s", row.text)
		}
	}
	t.Logf("%d of %d", right, total)
	if total < 1560 || right*100 < total*98 {
		t.Errorf("only %d of %d texts right", right, total)
	}
}

// What wraps a reply changes nothing of what it says.
func TestFamiliesInOtherDress(t *testing.T) {
	dresses := []struct {
		name string
		wear func(string) string
	}{
		{"said by a host", func(s string) string {
			return "host mx.example.net[192.0.2.25] said: " + strings.ReplaceAll(s, "\n", " ") + " (in reply to RCPT TO command)"
		}},
		{"folded", func(s string) string { return "smtp; " + fold(s, 40, "\n    ") }},
		{"shouted", strings.ToUpper},
		{"whispered", strings.ToLower},
		{"on one line", func(s string) string { return strings.ReplaceAll(s, "\n", " ") }},
		{"after a remark", func(s string) string { return "The remote mail server answered as follows: " + s }},
		{"in Exim's words", func(s string) string {
			return "SMTP error from remote mail server after RCPT TO:<li@example.net>: host mx.example.net [192.0.2.25]: " + s
		}},
		{"in quotation marks", func(s string) string { return "Remote Server returned '" + strings.ReplaceAll(s, "\n", " ") + "'" }},
		{"twice", func(s string) string { return s + "\n" + s }},
	}
	total, same := 0, 0
	for _, row := range families(t) {
		if !slices.Contains(row.reasons, Builtin().Classify(Query{Text: row.text}).Reason.String()) {
			continue
		}
		for _, d := range dresses {
			text := d.wear(row.text)
			a := Builtin().Classify(Query{Text: text})
			total++
			if slices.Contains(row.reasons, a.Reason.String()) {
				same++
				continue
			}
			t.Logf("%s: want %s, got %v by %q on %q: %q", d.name, row.reasons, a.Reason, a.Rule, a.Evidence, text)
			if dead(a.Reason) && !row.onlyDead() {
				t.Errorf("called dead, %s: %s", d.name, text)
			}
		}
	}
	t.Logf("%d of %d", same, total)
	if same*1000 < total*995 {
		t.Errorf("only %d of %d keep their reason", same, total)
	}
}

// fold breaks a text at the first blank after each n bytes.
func fold(text string, n int, with string) string {
	var out strings.Builder
	at := 0
	for _, word := range strings.SplitAfter(text, " ") {
		if at > n {
			out.WriteString(with)
			at = 0
		}
		out.WriteString(word)
		at += len(word)
	}
	return out.String()
}

// Whoever stands first: a reply of a family that accuses the sender or the mail
// keeps an address alive that a reply of another calls dead.
func TestFamiliesAccuseInAnyOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("every pair of families")
	}
	var guilty, accusers []family
	for _, row := range families(t) {
		a := Builtin().Classify(Query{Text: uncoded(row.text)})
		switch f := a.Reason.Fault(); {
		case strings.ContainsAny(row.text, "\n>"): // a reply of several lines, or one that quotes another
		case row.onlyDead():
			if a.Certainty < 1 && !strings.Contains(strings.ToLower(row.text), "spf") { // a token needs no words, and "SPF passed" excuses
				guilty = append(guilty, row)
			}
		case slices.Contains(row.reasons, "policy_rejected"), a.Reason == bounce.ProtocolError: // "rejected" by itself accuses nobody, a malformed address is both
		case f == bounce.FaultSender || f == bounce.FaultMessage:
			accusers = append(accusers, row)
		}
	}
	total := 0
	for i, g := range guilty {
		for j, a := range accusers {
			if (i+j)%7 != 0 { // one pair of seven meets each row of both many times
				continue
			}
			for _, text := range [2]string{g.text + "; " + uncoded(a.text), a.text + "; " + uncoded(g.text)} {
				total++
				if got := Builtin().Classify(Query{Text: text}); dead(got.Reason) {
					t.Errorf("called dead by %q: %s", got.Rule, text)
				}
			}
		}
	}
	t.Logf("%d pairs", total)
}

// uncoded takes the codes off a reply.
func uncoded(text string) string {
	for text != "" && (isDigit(text[0]) || strings.IndexByte(". -#", text[0]) >= 0) {
		text = text[1:]
	}
	return text
}
