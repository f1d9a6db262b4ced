package autoreply

import (
	"strings"
	"testing"

	"harvester/parse/match"
	"harvester/parse/mime"
	"harvester/parse/view"
)

// The signs hold their own examples, so that whoever adds a phrase proves it
// in the same place.
func TestSubjectExamples(t *testing.T) {
	s := table()
	for i := range s.subjects {
		x := &s.subjects[i]
		if len(x.Examples) < 2 && x.Pattern == "" && x.Kind.String() == "auto_reply" || len(x.Examples) == 0 || len(x.Not) == 0 {
			t.Errorf("subjects %s %s: %d examples, %d counter-examples: too few", x.Kind, x.Lang, len(x.Examples), len(x.Not))
		}
		for _, e := range x.Examples {
			got, words := s.matchSubject(fold(e))
			if got == nil || got.Kind != x.Kind || got.Weak != x.Weak {
				t.Errorf("subject %q: got %v by %q, want %s (%s)", e, got, words, x.Kind, x.Lang)
			}
		}
		for _, e := range x.Not {
			if got, words := s.matchSubject(fold(e)); got != nil {
				t.Errorf("subject %q is no %s, but got %s by %q", e, x.Kind, got.Kind, words)
			}
		}
	}
}

func TestTextExamples(t *testing.T) {
	s := table()
	find := func(x *textSign, text string) (string, bool) {
		if x.Kind == unsubscribe {
			for _, p := range s.phrases {
				if s.texts[p.sign].Kind == unsubscribe && p.in(match.FoldString(text)) {
					return p.parts[0], true
				}
			}
			return "", false
		}
		f, ok := s.matchText(text)
		if ok && (f.sign.Kind != x.Kind || f.sign.Hint != x.Hint) {
			return f.words, false
		}
		return f.words, ok
	}
	for i := range s.texts {
		x := &s.texts[i]
		if len(x.Examples) < 2 || len(x.Not) == 0 {
			t.Errorf("texts %s %s: %d examples, %d counter-examples: too few", x.Kind, x.Lang, len(x.Examples), len(x.Not))
		}
		for _, e := range x.Examples {
			if words, ok := find(x, e); !ok {
				t.Errorf("text %q: found %q, want %s %s (%s)", e, words, x.Kind, x.Hint, x.Lang)
			}
		}
		for _, e := range x.Not {
			if words, ok := find(x, e); ok {
				t.Errorf("text %q is no %s, but holds %q", e, x.Kind, words)
			}
		}
	}
}

// Each header field and sender decides by itself, whatever the text says.
func TestHeaderAndSenderSigns(t *testing.T) {
	s := table()
	const text = "<a@example.net>: 550 5.1.1 user unknown\n"
	seen := 0
	for _, list := range s.headers {
		for _, h := range list {
			for _, value := range append(append([]string{}, h.Starts...), h.Any...) {
				v, ok := Veto(&view.Mail{From: "jo@example.org", Text: text, Header: mime.Header{{Name: h.Name, Value: value}}})
				if !ok || v.Kind != h.Kind {
					t.Errorf("%s: %s gives %v %s, want %s", h.Name, value, ok, v.Kind, h.Kind)
				}
			}
			if len(h.Starts)+len(h.Any) == 0 {
				for value, want := range map[string]bool{"yes": true, "1": true, "no": false, "0": false, "": false} {
					v, ok := Veto(&view.Mail{From: "jo@example.org", Text: text, Header: mime.Header{{Name: h.Name, Value: value}}})
					if ok != want || ok && v.Kind != h.Kind {
						t.Errorf("%s: %q gives %v %s, want %v %s", h.Name, value, ok, v.Kind, want, h.Kind)
					}
				}
			}
			seen++
		}
	}
	if seen < 40 {
		t.Errorf("only %d header signs were read", seen)
	}
	for _, x := range s.senders {
		for _, a := range append(append([]string{}, x.Local...), x.Address...) {
			from := a
			if !strings.Contains(a, "@") {
				from += "@example.org"
			} else if a[0] == '@' || a[0] == '.' {
				from = "x@y" + strings.Replace(a, "@", ".", 1)
				if a[0] == '@' {
					from = "x" + a
				}
			} else if a[len(a)-1] == '@' {
				from += "example.org"
			}
			if v, ok := Veto(&view.Mail{From: from, Text: text}); !ok || v.Kind != x.Kind {
				t.Errorf("sender %s: %v %s, want %s", from, ok, v.Kind, x.Kind)
			}
		}
	}
}

// Two signs that claim the same subject would depend on their order.
func TestSubjectsAreClaimedOnce(t *testing.T) {
	s := table()
	seen := map[string]int{}
	for i := range s.subjects {
		for _, list := range [][]string{s.subjects[i].Start, s.subjects[i].Whole} {
			for _, p := range list {
				if j, ok := seen[p]; ok && j != i && (s.subjects[i].Kind != s.subjects[j].Kind || s.subjects[i].Weak != s.subjects[j].Weak) {
					t.Errorf("subject %q: %s and %s", p, s.subjects[i].Kind, s.subjects[j].Kind)
				}
				seen[p] = i
			}
		}
	}
}
