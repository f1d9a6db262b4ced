package match

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"  User\r\n\tUnknown ", "user unknown "},
		{"couldn’t – “no”", `couldn't - "no"`},
		{"Boîte aux LETTRES pleine", "boite aux lettres pleine"},
		{"Größe Łódź Øre", "grosse lodz ore"},
		{"Non remis :", "non remis :"},
		{"ＩＰ　ｂｌｏｃｋｅｄ：", "ip blocked:"},
		{"a\u200bb\u00adc\u202ed", "abcd"},
		{"İstanbul TESLİM ı", "istanbul teslim i"},
		{"メールボックス", "メールホックス"},
		{"ΧΡΉΣΤΗΣ χρήστης", "χρηστησ χρηστησ"},
		{"caf\xe9", "caf\xe9"},
		{"e\u0301t\u00e9", "ete"},
	} {
		if got := FoldString(c.in); got != c.want {
			t.Errorf("Fold(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestUnfoldGivesTheWordsAsWritten(t *testing.T) {
	for _, c := range []struct{ text, phrase, want string }{
		{"550 5.1.1  USER \n Unknown here", "user unknown", "USER \n Unknown"},
		{"La Boîte aux lettres", "boite", "Boîte"},
		{"  x", "x", "x"},
		{"zu groß!", "gross", "groß"},
		{"\u200bA\u200bB", "ab", "A\u200bB"},
	} {
		f := FoldString(c.text)
		at := strings.Index(f, c.phrase)
		if got := Unfold(c.text, at, at+len(c.phrase)); got != c.want {
			t.Errorf("%q in %q: got %q, want %q", c.phrase, c.text, got, c.want)
		}
	}
}

func TestScanFindsAllOverlapsLongestFirst(t *testing.T) {
	a := New([]string{"he", "she", "his", "hers", "", "he"})
	var got []string
	a.Scan([]byte("ushers"), func(l, end int) { got = append(got, fmt.Sprint(l, "@", end)) })
	if want := []string{"1@4", "0@4", "5@4", "3@6"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestScanOfWordsFindsTheirBeginsOnly(t *testing.T) {
	literals := []string{"user", "5.1", "-user", "er x", "ser", "é"}
	a := NewWords(literals)
	for text, want := range map[string][]string{
		"user":         {"user"},
		"abuser":       nil,
		"ab-user":      {"-user", "user"},
		"7user":        {"user"},
		"15.1 5.1":     {"5.1"},
		"x5.1":         {"5.1"},
		"user er x":    {"user", "er x"},
		"use user ser": {"user", "ser"},
		"caféé":        {"é", "é"},
	} {
		var got []string
		for _, o := range a.Find(nil, []byte(text)) {
			if got = append(got, literals[o.Literal]); text[o.Start:o.End] != literals[o.Literal] {
				t.Errorf("%q: %q is told to stand at %d to %d", text, literals[o.Literal], o.Start, o.End)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add("a\nab\nbab\n", "abababb", false, true)
	f.Add("a\nab\nb 1\n12\n2-\n", "ab 1 ba-a12-b", true, false)
	f.Add("pa\npb\npc\npd\npe\npf\npg\nph\np \np1\npé\npab\n", "pa pb pz p1pé ph p p", true, false)
	f.Add("abcd\nabxy\nbc\nbcd\nbcd\nd\nxyz\n", "zabcdabxyz", false, false)
	f.Fuzz(func(t *testing.T, list, text string, inWords, large bool) {
		lits := strings.Split(list, "\n")
		got := map[[2]int]int{}
		rows := 1 // as behind the nodes that have a row
		if large {
			rows = tabled
		}
		if inWords {
			for _, o := range NewWords(lits).Find(nil, []byte(text)) {
				if got[[2]int{int(o.Literal), int(o.End)}]++; int(o.End-o.Start) != len(lits[o.Literal]) {
					t.Fatalf("%q is told to stand at %d to %d", lits[o.Literal], o.Start, o.End)
				}
			}
		} else {
			(&Automaton{}).build(lits, rows).Scan([]byte(text), func(l, end int) { got[[2]int{l, end}]++ })
		}
		want := 0
		for i, l := range lits {
			for end := len(l); l != "" && end <= len(text); end++ {
				start := end - len(l)
				if inWords && start > 0 && kinds[text[start]] != 0 && kinds[text[start]] == kinds[text[start-1]] {
					continue
				}
				if text[start:end] == l {
					want++
					if got[[2]int{i, end}] != 1 {
						t.Fatalf("%q at %d found %d times", l, end, got[[2]int{i, end}])
					}
				}
			}
		}
		if len(got) != want {
			t.Fatalf("found %d, want %d", len(got), want)
		}
	})
}

func FuzzFold(f *testing.F) {
	f.Add("Über\u00a0ﬁ ½ \xff", 2, 5)
	f.Fuzz(func(t *testing.T, s string, from, to int) {
		b := Fold(nil, s)
		if from >= 0 && from < to && to <= len(b) {
			if part := Unfold(s, from, to); len(part) == 0 {
				t.Fatalf("nothing at %d:%d of %q", from, to, s)
			}
		}
		// Cut between characters: the pieces fold like the whole.
		for i := range s {
			if got := Extend(Extend(nil, s[:i]), s[i:]); string(got) != string(b) {
				t.Fatalf("%q in pieces at %d: %q, whole: %q", s, i, got, b)
			}
		}
		if got := Unfold(s, 0, len(b)); len(b) > 0 && string(Fold(nil, got)) != string(b) {
			t.Fatalf("%q unfolds to %q", s, got)
		}
	})
}

func literals(n int) []string {
	words := strings.Fields("mailbox user recipient unknown blocked rejected policy spam quota full address sender denied host")
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s %s %s %d", words[i%14], words[i/14%14], words[i/196%14], i)
	}
	return out
}

func BenchmarkNew10000(b *testing.B) {
	l := literals(10000)
	b.ReportAllocs()
	for b.Loop() {
		New(l)
	}
}

const reply = "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the recipient's email address for typos or unnecessary spaces."

func BenchmarkFold(b *testing.B) {
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = Fold(dst[:0], reply)
	}
}

func BenchmarkScan(b *testing.B) {
	for _, n := range []int{500, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			a, text := New(literals(n)), Fold(nil, reply)
			b.ReportAllocs()
			for b.Loop() {
				a.Scan(text, func(int, int) {})
			}
		})
	}
}
