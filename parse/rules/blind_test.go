package rules

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"harvester/parse/bounce"
)

// Texts that mix accused and accuser in every order and in 21 languages: none
// that accuses us may call the address dead, and nearly all get their reason.
func TestBlindTexts(t *testing.T) {
	f, err := os.Open("../testdata/blind/texts.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	total, right := 0, 0
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		row := strings.Split(s.Text(), "\t")
		if len(row) != 3 {
			t.Fatalf("bad row %q", s.Text())
		}
		want := strings.Split(row[1], ",")
		a := Builtin().Classify(Query{Text: row[2]})
		total++
		if slices.Contains(want, a.Reason.String()) {
			right++
			continue
		}
		t.Logf("%s: want %s, got %v by %q: %s", row[0], row[1], a.Reason, a.Rule, row[2])
		if a.Reason.Class(bounce.Failed) == bounce.ClassHard {
			t.Errorf("called dead: %s", row[2])
		}
	}
	t.Logf("%d of %d", right, total)
	if total < 400 || right*100 < total*97 {
		t.Errorf("only %d of %d texts right", right, total)
	}
}

// A name of ours that is unknown, full or disabled is no word on the recipient.
func TestOurOwnNames(t *testing.T) {
	for _, text := range []string{
		"550 <sales@ours.example>: user unknown",
		"550 5.1.1 sales@ours.example does not exist",
		"550 ours.example: domain not found",
		"552 5.2.2 mailbox of sales@ours.example is full",
		"550 account sales@ours.example is disabled",
	} {
		q := Query{Text: text, Recipient: "kate@example.com", Ours: []string{"ours.example"}}
		if a := Builtin().Classify(q); a.Reason.Fault() == bounce.FaultRecipient {
			t.Errorf("%v by %q: %s", a.Reason, a.Rule, text)
		}
	}
	q := Query{Text: "550 mail from sales@ours.example to kate@example.com refused: no such user", Recipient: "kate@example.com", Ours: []string{"ours.example"}}
	if a := Builtin().Classify(q); a.Reason != bounce.UserUnknown {
		t.Errorf("%v by %q", a.Reason, a.Rule)
	}
}

// Certainty falls where a clause was left over, and the clause is told.
func TestUnread(t *testing.T) {
	sound := Builtin().Classify(Query{Text: "550 5.1.1 no such user here"})
	if sound.Certainty < 0.9 || sound.Unread != "" {
		t.Errorf("got %+v", sound)
	}
	left := Builtin().Classify(Query{Text: "550 5.1.1 no such user here. Barred for the season"})
	if left.Certainty >= sound.Certainty || !strings.Contains(left.Unread, "Barred") {
		t.Errorf("got %+v", left)
	}
}

// Nothing understood is no certainty, however much was left over.
func TestCertaintyOfNothing(t *testing.T) {
	a := Builtin().Classify(Query{Text: "Barred for the season, and refused"})
	if a.Reason == bounce.Unclassified && a.Certainty != 0 || a.Certainty < 0 {
		t.Errorf("got %+v", a)
	}
}

// Work is bounded: of a megabyte only the beginning is read, whatever it holds,
// and what is read is cut into so many clauses and no more. A host name of a
// megabyte is nobody's.
func TestMegabyteIsReadToItsBound(t *testing.T) {
	for _, piece := range []string{
		"user unknown. ", "a, (b) -> ", "((([", "\"subject\" \"", "x:@y:z@", "550 5.1.1 -> 550 ", "because ", "dmarc sender invalid ", "192.0.2.5 is blocked ",
		"ip temporarily blacklisted ", "_416 ", "ユーザー、不明。", "=C3=BC", "Ã¼", "\\n550-5.1.1 ", "mx.a.", "kate@example.com ", "example.org ", "\xff\xfe", "host a.",
	} {
		q := Query{Text: strings.Repeat(piece, 1<<20/len(piece)+1), Recipient: "kate@example.com", Ours: []string{"example.org"}}
		begin := q
		begin.Text = q.Text[:maxText]
		q.RemoteMTA = q.Text
		got, want := Builtin().Classify(q), Builtin().Classify(begin)
		if got != want {
			t.Errorf("%q: %v by %q of it all, %v by %q of its beginning", piece, got.Reason, got.Rule, want.Reason, want.Rule)
		}
		if len(got.Diagnostic) > maxText {
			t.Errorf("%q: %d bytes are kept", piece, len(got.Diagnostic))
		}
	}
	names := 0
	Builtin().hosts.find(strings.Repeat("a.", 1<<19)+"google.com", func(int) { names++ })
	if names != 0 {
		t.Errorf("a name of a megabyte is in %d scopes", names)
	}
}

// The reader is bounded: clauses without end, signs without words.
func FuzzClauses(f *testing.F) {
	for _, seed := range append(slices.Clone(replies), strings.Repeat("a, (b) -> ", 2000), "\"subject\" \"\"((([[[", "ユーザー、\xe3\x80。:", "x:@y:z@", "user <a@b>:c@d:") {
		f.Add(seed, "a@b", "b")
	}
	f.Fuzz(func(t *testing.T, text, recipient, ours string) {
		q := Query{Text: text, Recipient: recipient, Ours: []string{strings.ToLower(ours)}}
		a := Builtin().Classify(q)
		for range 3 {
			if b := Builtin().Classify(q); a != b {
				t.Fatalf("%+v, then %+v", a, b)
			}
		}
		if a.Certainty < 0 || a.Certainty > 1 {
			t.Fatalf("certainty %v", a.Certainty)
		}
		c := scratch{folded: []byte(strings.ToLower(text)), set: Builtin()}
		c.read()
		for i, x := range c.clauses {
			if x.start > x.end || i > 0 && c.clauses[i-1].end != x.start || len(c.clauses) > mostClauses {
				t.Fatalf("clause %d of %v", i, c.clauses)
			}
		}
	})
}
