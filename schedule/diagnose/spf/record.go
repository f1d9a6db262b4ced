// Package spf reads SPF records (RFC 7208) as their owner has to mend them:
// strictly, with every defect and its place, over all that they include, and
// with the record that would be right. Whether a record authorises an address
// is what blitiri.com.ar/go/spf says; it stops at the first match, so it can't
// tell what is wrong behind it.
package spf

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Term is one mechanism or modifier.
type Term struct {
	Text      string // as written
	Column    int    // from 1
	Qualifier byte   // + - ~ ?; + where none is written
	Name      string // lower case: "include"
	Value     string // behind : or =
	CIDR      string // "/24", "/24//64", "" for none
	Modifier  bool
}

// Problem is one defect.
type Problem struct {
	ID     string // "syntax"; of the findings, without their "spf."
	Domain string // whose record it is
	Term   string // as written, "" where it concerns the record
	Column int
	Text   string // what is wrong, in a sentence without its full stop
	Fatal  bool   // the record can't be evaluated (permerror)
}

// Record is an SPF record.
type Record struct {
	Text     string
	Terms    []Term
	Problems []Problem
}

// Is tells whether a TXT record is an SPF record (RFC 7208 §4.5).
func Is(txt string) bool {
	return len(txt) >= 6 && strings.EqualFold(txt[:6], "v=spf1") && (len(txt) == 6 || txt[6] == ' ')
}

// Almost tells of a TXT record that is none but was meant to be one, and why
// nobody reads it.
func Almost(txt string) (why string, ok bool) {
	bare := strings.ToLower(strings.Trim(txt, " \t\"'"))
	switch {
	case Is(txt):
		return "", false
	case strings.HasPrefix(bare, "spf2.0/"):
		return "it is a record of Sender ID, which is dead", true
	case Is(bare):
		return "a blank or quote stands before v=spf1", true
	case strings.HasPrefix(bare, "v=spf1"):
		return "v=spf1 must be followed by a blank", true
	case strings.HasPrefix(bare, "v=spf"), strings.HasPrefix(bare, "v = spf"), strings.HasPrefix(bare, "spf1 "), strings.HasPrefix(bare, "v:spf1"):
		return "it does not begin with v=spf1", true
	}
	return "", false
}

var mechanisms = []string{"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"}

// asks are the terms that cost a look-up (RFC 7208 §4.6.4).
var asks = []string{"include", "a", "mx", "ptr", "exists", "redirect"}

// Parse reads a record strictly: a term that is wrong spoils it wherever it
// stands (RFC 7208 §4.6).
func Parse(txt string) Record {
	r := Record{Text: txt}
	column := 1
	for i, word := range strings.Split(txt, " ") {
		if word != "" && i > 0 {
			r.term(word, column)
		}
		column += len(word) + 1
	}
	r.order()
	return r
}

func (r *Record) problem(id string, t *Term, fatal bool, format string, args ...any) {
	p := Problem{ID: id, Text: fmt.Sprintf(format, args...), Fatal: fatal}
	if t != nil {
		p.Term, p.Column = t.Text, t.Column
	}
	r.Problems = append(r.Problems, p)
}

func (r *Record) term(word string, column int) {
	t := Term{Text: word, Column: column, Qualifier: '+'}
	rest := word
	if strings.IndexByte("+-~?", rest[0]) >= 0 {
		t.Qualifier, rest = rest[0], rest[1:]
	}
	end := strings.IndexAny(rest, ":=/")
	if end < 0 {
		end = len(rest)
	}
	t.Name = strings.ToLower(rest[:end])
	switch {
	case end < len(rest) && rest[end] == '=':
		t.Modifier, t.Value = true, rest[end+1:]
	case end < len(rest) && rest[end] == ':':
		t.Value = rest[end+1:]
	case end < len(rest):
		t.CIDR = rest[end:]
	}
	if !t.Modifier && t.CIDR == "" && (t.Name == "a" || t.Name == "mx") {
		i := len(t.Value) - len(lengths.FindString(t.Value)) // a slash may stand in a domain, too
		t.Value, t.CIDR = t.Value[:i], t.Value[i:]
	}
	r.Terms = append(r.Terms, t)
	r.check(&t)
}

// lengths are the prefix lengths at the end of an a or mx term.
var lengths = regexp.MustCompile(`(/[0-9]+)?(//[0-9]+)?$`)

// check looks for what is wrong with one term.
func (r *Record) check(t *Term) {
	if t.Modifier {
		switch {
		case t.Name == "redirect" || t.Name == "exp":
			if t.Value == "" {
				r.problem("syntax", t, true, "%q names no domain", t.Text)
			}
			r.domain(t)
		case slices.Contains(mechanisms, t.Name):
			r.problem("ignored_term", t, false, "%s is written with = instead of :, so that receivers skip it without a word", t.Text)
		case !modifier.MatchString(t.Name) || t.Qualifier != '+' || t.Text[0] == '+':
			r.problem("syntax", t, true, "%q is no term", t.Text)
		default:
			r.macros(t)
		}
		return
	}
	if !slices.Contains(mechanisms, t.Name) {
		hint := ""
		switch trimmed := strings.TrimRight(t.Name, ",;."); {
		case t.Name == "ipv4" || t.Name == "ip":
			hint = ": it is called ip4"
		case t.Name == "ipv6":
			hint = ": it is called ip6"
		case trimmed != t.Name && slices.Contains(mechanisms, trimmed):
			hint = ": terms are parted by blanks alone"
		case strings.HasPrefix(t.Text, "–") || strings.HasPrefix(t.Text, "—") || strings.HasPrefix(t.Text, "−"):
			hint = ": its dash is no minus sign"
		case Is(t.Text) || strings.HasPrefix(t.Name, "v"):
			hint = ": v=spf1 stands at the beginning alone"
		}
		if _, err := netip.ParsePrefix(t.Text); err == nil {
			hint = ": ip4: or ip6: is missing before it"
		} else if _, err := netip.ParseAddr(t.Text); err == nil {
			hint = ": ip4: or ip6: is missing before it"
		}
		r.problem("syntax", t, true, "there is no term %q%s", t.Text, hint)
		return
	}
	switch t.Name {
	case "all":
		if t.Value != "" || t.CIDR != "" {
			r.problem("syntax", t, true, "%q: all stands alone", t.Text)
		} else if t.Qualifier == '+' || t.Qualifier == '?' {
			r.problem("plus_all", t, false, "%s lets everybody send in this name", t.Text)
		}
	case "ip4", "ip6":
		r.address(t)
	case "include", "exists":
		if t.Value == "" {
			r.problem("syntax", t, true, "%q names no domain", t.Text)
		} else if t.CIDR != "" {
			r.problem("syntax", t, true, "%q: %s takes no prefix length", t.Text, t.Name)
		}
		r.domain(t)
	case "ptr":
		r.problem("ptr", t, false, "ptr is slow, and some receivers skip it (RFC 7208 §5.5)")
		r.domain(t)
	default:
		if t.Value == "" && strings.Contains(t.Text, ":") {
			r.problem("syntax", t, true, "%q names no domain", t.Text)
		}
		if strings.EqualFold(t.Value, "all") {
			r.problem("ignored_term", t, false, "%s asks for a host called \"all\": a blank is missing", t.Text)
		}
		r.cidr(t)
		r.domain(t)
	}
}

func (r *Record) address(t *Term) {
	text := t.Value
	ip, err := netip.ParseAddr(text)
	bits := 0
	if strings.Contains(text, "/") {
		var p netip.Prefix
		p, err = netip.ParsePrefix(text)
		ip, bits = p.Addr(), p.Bits()
	} else if err == nil {
		bits = ip.BitLen()
	}
	switch {
	case err != nil:
		hint := ""
		if strings.TrimRight(text, ",;") != text {
			hint = ": terms are parted by blanks alone"
		} else if strings.ContainsAny(text, "ghijklmnopqrstuvwxyz") {
			hint = "; a host name is written a:" + text
		}
		r.problem("syntax", t, true, "%q holds no address%s", t.Text, hint)
	case ip.Is4() != (t.Name == "ip4"):
		r.problem("syntax", t, true, "%q: an address of the other kind", t.Text)
	case ip.Is4() && bits < 8 || ip.Is6() && bits < 32:
		r.problem("plus_all", t, false, "%s authorises a large part of the Internet", t.Text)
	}
}

func (r *Record) cidr(t *Term) {
	if t.CIDR == "" {
		return
	}
	four, six, dual := strings.Cut(t.CIDR[1:], "//")
	if strings.HasPrefix(t.CIDR, "//") {
		four, six, dual = "", t.CIDR[2:], true
	}
	within := func(s string, most int) bool {
		n, err := strconv.Atoi(s)
		return err == nil && n >= 0 && n <= most && (s == "0" || s[0] != '0')
	}
	if four == "" && !dual || four != "" && !within(four, 32) || dual && !within(six, 128) {
		r.problem("syntax", t, true, "%q has a wrong prefix length", t.Text)
	}
}

// macro is what stands between %{ and } in a domain: a letter (c, r and t are for
// explanations alone), a number that is not zero, r, and delimiters.
var macro = regexp.MustCompile(`^[slodipvhSLODIPVH](0*[1-9][0-9]*)?[rR]?[.+,/_=-]*$`)

// toplabel is the last label of a domain: not of digits alone (RFC 7208 §7.1).
var toplabel = regexp.MustCompile(`^[0-9]*([A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]|[A-Za-z]|[0-9]-[A-Za-z0-9-]*[A-Za-z0-9])$`)

// modifier is the name of one (RFC 7208 §12).
var modifier = regexp.MustCompile(`^[a-z][a-z0-9_.-]*$`)

// macros checks the characters of a value and the macros in it (RFC 7208 §7).
func (r *Record) macros(t *Term) (ok bool) {
	v := t.Value
	for i := 0; i < len(v); i++ {
		if v[i] != '%' {
			if v[i] <= ' ' || v[i] >= 0x7f {
				r.problem("syntax", t, true, "%q holds a character that no domain has", t.Text)
				return false
			}
			continue
		}
		if i++; i == len(v) || strings.IndexByte("%_-{", v[i]) < 0 {
			r.problem("macro", t, true, "%q: a %% must be doubled, or begin a macro", t.Text)
			return false
		}
		if v[i] != '{' {
			continue
		}
		end := strings.IndexByte(v[i:], '}')
		if end < 2 || !macro.MatchString(v[i+1:i+end]) {
			r.problem("macro", t, true, "%q holds a macro that does not exist", t.Text)
			return false
		}
		i += end
	}
	return true
}

// domain checks a domain and the macros in it.
func (r *Record) domain(t *Term) {
	if !r.macros(t) {
		return
	}
	v := t.Value
	if !strings.ContainsAny(strings.TrimSuffix(v, "."), "%.") && v != "" && !strings.EqualFold(v, "all") {
		r.problem("syntax", t, true, "%q: the domain has no dot", t.Text)
	}
	labels := strings.Split(strings.TrimSuffix(v, "."), ".")
	for _, label := range labels {
		if v != "" && !strings.Contains(v, "%") && (label == "" || len(label) > 63) {
			r.problem("syntax", t, true, "%q: it is no domain", t.Text)
			return
		}
	}
	if last := labels[len(labels)-1]; len(labels) > 1 && !strings.Contains(last, "%") && !strings.HasSuffix(last, "}") && !toplabel.MatchString(last) {
		r.problem("syntax", t, true, "%q: no domain ends like that", t.Text)
	}
}

// order looks for what is wrong with terms beside each other.
func (r *Record) order() {
	all, redirects, exps := -1, 0, 0
	for i := range r.Terms {
		t := &r.Terms[i]
		switch {
		case t.Modifier && t.Name == "redirect":
			redirects++
			if redirects == 2 {
				r.problem("syntax", t, true, "redirect= stands there twice")
			}
		case t.Modifier && t.Name == "exp":
			if exps++; exps == 2 {
				r.problem("syntax", t, true, "exp= stands there twice")
			}
		case t.Modifier:
		case all >= 0:
			r.problem("after_all", t, false, "%s stands behind %s, where nobody reads it", t.Text, r.Terms[all].Text)
		case t.Name == "all":
			all = i
		}
	}
	switch {
	case all >= 0 && redirects > 0:
		for i := range r.Terms {
			if t := &r.Terms[i]; t.Modifier && t.Name == "redirect" {
				r.problem("after_all", t, false, "%s has no effect beside %s", t.Text, r.Terms[all].Text)
			}
		}
	case all < 0 && redirects == 0:
		r.problem("no_all", nil, false, "it ends without ~all or -all, so it refuses nobody")
	}
	seen := map[string]bool{}
	for i := range r.Terms {
		t := &r.Terms[i]
		key := strings.ToLower(t.Text)
		if seen[key] && !t.Modifier {
			r.problem("duplicate", t, false, "%s stands there twice", t.Text)
		}
		seen[key] = true
	}
}

// Costs tells whether a term costs a look-up.
func (t *Term) Costs() bool {
	return slices.Contains(asks, t.Name) && (t.Modifier == (t.Name == "redirect"))
}

// All is the term that matches everybody, nil when there is none.
func (r *Record) All() *Term {
	for i := range r.Terms {
		if t := &r.Terms[i]; t.Name == "all" && !t.Modifier {
			return t
		}
	}
	return nil
}

// Fatal tells whether the record can't be evaluated.
func (r *Record) Fatal() bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Fatal })
}

// String writes the terms as a record.
func (r *Record) String() string {
	out := []string{"v=spf1"}
	for i := range r.Terms {
		out = append(out, r.Terms[i].Text)
	}
	return strings.Join(out, " ")
}
