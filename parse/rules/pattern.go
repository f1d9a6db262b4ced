package rules

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"harvester/parse/count"
	"harvester/parse/match"
)

// statusPattern is a set of enhanced status codes.
type statusPattern struct {
	class   byte // 0 for any
	subject uint16
	lo, hi  uint16
}

// parseStatus reads 5.1.1, X.7.29 (any class), 5.7.x (any detail) and
// 5.7.606-649 (a range of details).
func parseStatus(s string) (p statusPattern, err error) {
	bad := fmt.Errorf("%q is no enhanced status code", s)
	part := strings.Split(strings.ToLower(s), ".")
	if len(part) != 3 || len(part[0]) != 1 || !strings.Contains("245x", part[0]) {
		return p, bad
	}
	if part[0] != "x" {
		p.class = part[0][0]
	}
	subject, err := strconv.ParseUint(part[1], 10, 10)
	if err != nil {
		return p, bad
	}
	p.subject = uint16(subject)
	if part[2] == "x" {
		p.hi = 999
		return p, nil
	}
	lo, hi, ranged := strings.Cut(part[2], "-")
	if !ranged {
		hi = lo
	}
	from, err1 := strconv.ParseUint(lo, 10, 10)
	to, err2 := strconv.ParseUint(hi, 10, 10)
	if err1 != nil || err2 != nil || from > to || to > 999 {
		return p, bad
	}
	p.lo, p.hi = uint16(from), uint16(to)
	return p, nil
}

func (p statusPattern) fits(class byte, subject, detail uint16) bool {
	return (p.class == 0 || p.class == class) && p.subject == subject && p.lo <= detail && detail <= p.hi
}

// phrasePart is one of the literals that make a phrase, in order.
type phrasePart struct {
	alternatives []string // folded
	near         bool     // follows the part before after one blank, else after a gap
}

// mostAlternatives bounds what one part of a phrase can stand for.
const mostAlternatives = 600

// parsePhrase takes a phrase apart: at its lone asterisks, and at the blanks
// beside its groups, so that groups in a row don't multiply.
func parsePhrase(s string) ([]phrasePart, error) {
	var parts []phrasePart
	for piece := range strings.SplitSeq(" "+s+" ", " * ") {
		near := false
		for _, p := range beside(strings.TrimSpace(piece)) {
			alts, err := alternatives(p)
			if err != nil {
				return nil, fmt.Errorf("phrase %q: %w", s, err)
			}
			for i, a := range alts {
				if alts[i] = strings.TrimSpace(match.FoldString(a)); alts[i] == "" {
					return nil, fmt.Errorf("phrase %q has an empty part", s)
				}
			}
			parts = append(parts, phrasePart{contracted(alts), near})
			near = true
		}
	}
	return parts, nil
}

// expand is every form of a text without gaps, folded.
func expand(s string) ([]string, error) {
	if strings.Contains(" "+s+" ", " * ") {
		return nil, fmt.Errorf("%q has a gap", s)
	}
	alts, err := alternatives(s)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", s, err)
	}
	for i, a := range alts {
		if alts[i] = strings.TrimSpace(match.FoldString(a)); alts[i] == "" {
			return nil, fmt.Errorf("%q has an empty form", s)
		}
	}
	return contracted(alts), nil
}

// mostProducts bounds the literals that neighbouring parts are multiplied to.
const mostProducts = 64

// multiply unites parts that follow each other after a blank, as long as few
// literals come of it: whole phrases are rare in a text where their words
// alone are common, and each word that is found costs a look at all its phrases.
func multiply(parts []phrasePart) []phrasePart {
	out := parts[:0:0]
	for i, p := range parts {
		n := len(out) - 1
		if !p.near || len(out[n].alternatives)*len(p.alternatives) > mostProducts || out[n].special() || p.special() ||
			p.short() && (i+1 == len(parts) || !parts[i+1].near) {
			out = append(out, p)
			continue
		}
		var both []string
		for _, a := range out[n].alternatives {
			for _, b := range p.alternatives {
				both = append(both, a+" "+b)
			}
		}
		out[n].alternatives = both
	}
	return out
}

// special reports whether an alternative is more than words: a mark or an address.
func (p phrasePart) special() bool {
	return slices.ContainsFunc(p.alternatives, func(a string) bool { s := signOf(a); return s.token || s.address })
}

// short reports whether an alternative must end where a word ends.
func (p phrasePart) short() bool {
	return slices.ContainsFunc(p.alternatives, func(a string) bool { return signOf(a).short })
}

// negations are the two ways to write each.
var negations = [...][2]string{
	{"is not", "isn't"}, {"are not", "aren't"}, {"was not", "wasn't"}, {"were not", "weren't"}, {"does not", "doesn't"}, {"do not", "don't"}, {"did not", "didn't"},
	{"has not", "hasn't"}, {"have not", "haven't"}, {"could not", "couldn't"}, {"would not", "wouldn't"}, {"will not", "won't"}, {"cannot", "can't"}, {"cannot", "can not"},
}

// contracted adds to the alternatives of a part those that write a negation the
// other way: who says "is not" or "not" means "isn't" as well.
func contracted(alts []string) []string {
	for _, a := range alts[:len(alts):len(alts)] {
		if !strings.Contains(a, "not") && !strings.Contains(a, "n't") {
			continue // as nearly all
		}
		padded := " " + a + " "
		for _, n := range negations {
			for i, from := range n {
				if strings.Contains(padded, " "+from+" ") {
					alts = append(alts, strings.TrimSpace(strings.Replace(padded, " "+from+" ", " "+n[1-i]+" ", 1)))
				}
			}
		}
		if rest, ok := strings.CutPrefix(a, "not "); ok {
			alts = append(alts, "isn't "+rest, "aren't "+rest, "wasn't "+rest)
		}
	}
	slices.Sort(alts[1:])
	return slices.Compact(alts)
}

// beside splits s at the blanks that touch a group, outside of groups.
func beside(s string) (parts []string) {
	start, deep := 0, false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			end := strings.IndexByte(s[i:], ')')
			deep = deep || end > 0 && strings.Contains(s[i:i+end], "|")
		case ')':
			deep = false
		case ' ':
			if !deep && i > 0 && (closesGroup(s[:i]) || opensGroup(s[i+1:])) {
				parts, start = append(parts, s[start:i]), i+1
			}
		}
	}
	return append(parts, s[start:])
}

func opensGroup(s string) bool {
	end := strings.IndexByte(s, ')')
	return end > 0 && s[0] == '(' && strings.Contains(s[:end], "|")
}

func closesGroup(s string) bool {
	open := strings.LastIndexByte(s, '(')
	return open >= 0 && s[len(s)-1] == ')' && strings.Contains(s[open:], "|")
}

// alternatives expands the groups (a|b|c) of s. Brackets without a bar stand
// for themselves.
func alternatives(s string) ([]string, error) {
	done, rest := []string{""}, s
	for rest != "" {
		open := strings.IndexByte(rest, '(')
		end := -1
		if open >= 0 {
			end = strings.IndexByte(rest[open:], ')')
		}
		if end < 0 || !strings.Contains(rest[open:open+end], "|") {
			cut := len(rest)
			if end >= 0 {
				cut = open + end + 1
			}
			for i := range done {
				done[i] += rest[:cut]
			}
			rest = rest[cut:]
			continue
		}
		if strings.Contains(rest[open+1:open+end], "(") {
			return nil, errors.New("a group stands in another: write a phrase for each")
		}
		var next []string
		for _, d := range done {
			for alt := range strings.SplitSeq(rest[open+1:open+end], "|") {
				next = append(next, d+rest[:open]+alt)
			}
		}
		if done = next; len(done) > mostAlternatives {
			return nil, fmt.Errorf("groups that touch stand for more than %s", count.Of(mostAlternatives, "phrase"))
		}
		rest = rest[open+end+1:]
	}
	return done, nil
}

// token reports whether a literal is a vendor's own mark rather than words: one
// word with a digit or sign in it, such as [cs01], ofr_416 or p=nosuchuser.
func token(literal string) bool {
	if strings.Contains(literal, " ") {
		return false
	}
	body := strings.TrimRight(literal, ".:,!")
	return strings.ContainsAny(body, "0123456789_=#/[].:")
}

func signOf(literal string) sign {
	last := literal[len(literal)-1]
	return sign{
		token:   token(literal),
		plain:   !strings.ContainsAny(literal, " ./:=_"),
		address: strings.Contains(literal, "@"),
		digit:   isDigit(last),
		short:   isLetter(last) && (len(literal) <= 4 || len(literal)-strings.LastIndexByte(literal, ' ') <= 3),
	}
}
