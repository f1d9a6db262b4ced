package export

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"harvester/store/policy"
	"harvester/store/query"
)

// The ways in which targets bring the names of their list, and the recipients
// that they look up, into one form. Each gives "" for a name that the target
// never finds. Two names that fold to one are one entry to the target: when
// they are two addresses, listing one blocks the other.

// foldASCII is that of programs that know no other letters (C's tolower).
func foldASCII(name string) string {
	if i := strings.IndexFunc(name, isUpperASCII); i < 0 {
		return name
	}
	return strings.Map(func(r rune) rune {
		if isUpperASCII(r) {
			r += 'a' - 'A'
		}
		return r
	}, name)
}

func isUpperASCII(r rune) bool { return 'A' <= r && r <= 'Z' }

// foldLower is that of programs that write names in small letters, by Unicode's
// full mapping: İ keeps its dot.
func foldLower(name string) string { return strings.ToLower(strings.ReplaceAll(name, "İ", "i\u0307")) }

// foldOnlyASCII is foldASCII for programs that find no other names.
func foldOnlyASCII(name string) string {
	if !isASCII(name) {
		return ""
	}
	return foldASCII(name)
}

// foldFull is Unicode's full case folding: ß is ss, ς is σ, ﬁ is fi.
func foldFull(name string) string {
	if isASCII(name) {
		return foldASCII(name)
	}
	return cases.Fold().String(name)
}

// foldMarks is that of MariaDB's usual collations, which compare letters
// without their marks too.
func foldMarks(name string) string {
	if isASCII(name) {
		return foldASCII(name)
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(foldFull(name)))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] > unicode.MaxASCII {
			return false
		}
	}
	return true
}

// strays says why the target would not find this name, or find somebody else
// under it; "" when all is well.
func (p *Profile) strays(name, key string) string {
	switch folded := p.form.fold(name); {
	case folded == "":
		return "is not found by the target, which knows ASCII alone"
	case policy.Key(folded) != key:
		return fmt.Sprintf("is %s to the target, which is another address", folded)
	}
	return ""
}

// spellings are the names under which a file of p lists the address: as p
// spells it, and where the target compares text, in the other forms in which
// somebody may name it. Why says what keeps one of those out.
func (p *Profile) spellings(e *query.Suppression, t *Target) (names []string, why string) {
	name := p.spell(e, t)
	names = []string{name}
	if p.form.fold == nil || isASCII(e.Address) && !strings.Contains(e.Key, "xn--") {
		return names, "" // there is no other form
	}
	folded := []string{p.form.fold(name)}
	for _, other := range otherForms(e, name) {
		switch f := p.form.fold(other); {
		case slices.Contains(folded, f):
		case p.strays(other, e.Key) != "":
			why = fmt.Sprintf("is listed as %s alone: %s %s", name, other, p.strays(other, e.Key))
		default:
			names, folded = append(names, other), append(folded, f)
		}
	}
	return names, why
}

// otherForms are the local part as p spells it and as it was first seen, each
// with the domain as A-label and in Unicode.
func otherForms(e *query.Suppression, name string) (out []string) {
	domain := "@" + policy.Domain(e.Key)
	for _, local := range []string{name, e.Address} {
		if at := strings.LastIndexByte(local, '@'); at > 0 && !strings.ContainsAny(local[:at], "\"<>() \t,;:\\") {
			out = append(out, local[:at]+domain, unicodeForm(local[:at]+domain))
		}
	}
	return out
}
