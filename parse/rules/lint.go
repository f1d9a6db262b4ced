package rules

import (
	"cmp"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"

	"harvester/parse/match"
	"harvester/parse/status"
)

// Lint returns what is wrong with rules that are well formed, in order of file
// and line: a rule that can never win, two rules that claim one text, a phrase
// that is the beginning of another with another reason, a slow or unanchored
// pattern, a code that nobody knows, a rule without example or source, an
// example that another rule takes.
func (s *Set) Lint() []Problem {
	var out []Problem
	report := func(r *Rule, what, fix string) {
		out = append(out, Problem{r.File, r.Line, r.Column, r.ID, what, fix})
	}
	for i := range s.rules {
		r := &s.rules[i]
		if len(r.Examples) == 0 {
			report(r, "has no example", "add examples = [...] with a text that it must win")
		}
		if r.Source == "" {
			report(r, "has no source", "add source = the page or mail that it comes from")
		}
		if what := slow(r.Match); what != "" {
			report(r, what, "bound it, such as .{0,40}, and let it begin with a word")
		}
		if len(r.Examples) > 0 && !s.canWin(r) {
			report(r, "can never win: stronger rules take all its phrases", "remove it, or give it a longer phrase or a scope")
		}
		for _, code := range r.Status {
			if what := s.unknownCode(r, code); what != "" {
				report(r, what, "correct it, or scope the rule to the vendor that uses it")
			}
		}
	}
	for _, f := range s.Test() {
		report(&f.Rule, fmt.Sprintf("%s, but %q decides: %q", f.Want, cmp.Or(f.Got.Rule, "no rule"), f.Text), "make the phrase longer or scope one of the rules")
	}
	s.lintOverlaps(report)
	slices.SortStableFunc(out, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	return out
}

// unknownCode says what is wrong with a code that a rule asks for. Outside
// the registry a code has a meaning only where its vendor speaks.
func (s *Set) unknownCode(r *Rule, text string) string {
	if strings.ContainsAny(text, "xX-") && !strings.HasPrefix(strings.ToLower(text), "x.") {
		return "" // a range is a vendor's
	}
	code := text
	if code[0] == 'x' || code[0] == 'X' {
		code = "5" + code[1:]
	}
	if _, known := status.Lookup(code); !known && r.Vendor == generic {
		return fmt.Sprintf("IANA does not know the status code %s", text)
	}
	return ""
}

// canWin reports whether the rule wins one of its examples, or a text made of
// one of its phrases.
func (s *Set) canWin(r *Rule) bool {
	for _, text := range r.Examples {
		if s.Classify(s.exampleQuery(r, text)).Rule == r.ID {
			return true
		}
	}
	for _, phrase := range r.Contains {
		parts, _ := parsePhrase(phrase)
		words := make([]string, len(parts))
		for i, p := range parts {
			words[i] = p.alternatives[0]
		}
		if s.Classify(s.exampleQuery(r, "550 "+strings.Join(words, " "))).Rule == r.ID {
			return true
		}
	}
	return false
}

// slow says why an expression is not fit for every reply, "" if it is.
func slow(expr string) string {
	if expr == "" {
		return ""
	}
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return ""
	}
	var open func(*syntax.Regexp) bool
	open = func(re *syntax.Regexp) bool {
		if re.Op == syntax.OpStar || re.Op == syntax.OpPlus {
			if k := re.Sub[0].Op; k == syntax.OpAnyChar || k == syntax.OpAnyCharNotNL {
				return true
			}
		}
		return slices.ContainsFunc(re.Sub, open)
	}
	if open(re) {
		return "match has an unbounded .* or .+"
	}
	return ""
}

// literalClaim is a phrase of one part, without alternatives at its end.
type literalClaim struct {
	text string
	rule *Rule
}

// lintOverlaps compares the whole phrases of rules that compete in one tier
// under the same conditions.
func (s *Set) lintOverlaps(report func(r *Rule, what, fix string)) {
	var claims []literalClaim
	for i := range s.rules {
		for _, phrase := range s.rules[i].Contains {
			if parts, _ := parsePhrase(phrase); len(parts) == 1 {
				for _, a := range parts[0].alternatives {
					claims = append(claims, literalClaim{a, &s.rules[i]})
				}
			}
		}
	}
	slices.SortStableFunc(claims, func(a, b literalClaim) int { return cmp.Compare(a.text, b.text) })
	for i, a := range claims {
		for _, b := range claims[i+1:] {
			if !strings.HasPrefix(b.text, a.text) {
				break
			}
			switch {
			case a.rule == b.rule || !sameConditions(a.rule, b.rule):
			case a.text == b.text:
				report(b.rule, fmt.Sprintf("claims %q, and so does %q", b.text, a.rule.ID), "keep it in one of them, or scope them")
			case a.rule.Reason != b.rule.Reason && strings.HasPrefix(b.text, a.text+" ") && !knows(a.rule, b.text):
				report(a.rule, fmt.Sprintf("%q is the beginning of %q of %q, which means %s", a.text, b.text, b.rule.ID, b.rule.Reason), "add a text with the longer phrase to not, to show that it is meant")
			}
		}
	}
}

// sameConditions reports whether two rules compete wherever both phrases stand.
func sameConditions(a, b *Rule) bool {
	return (a.Vendor == generic) == (b.Vendor == generic) && a.Weak == b.Weak && a.Code == b.Code && a.Match == b.Match && a.IP == b.IP &&
		slices.Equal(a.Status, b.Status) && slices.Equal(a.Remote, b.Remote) && a.Scoped == b.Scoped && (!a.Scoped || a.Vendor == b.Vendor)
}

// knows reports whether a counter-example of the rule holds the phrase.
func knows(r *Rule, phrase string) bool {
	return slices.ContainsFunc(r.Not, func(t string) bool { return strings.Contains(match.FoldString(t), phrase) })
}
