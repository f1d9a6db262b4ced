package scrub

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"harvester/parse/mime"
)

// anything finds what may name somebody, in one pass: at one place the wider
// wins.
var anything = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(\bhttps?://[^\s<>"']+)` +
		`|((?:"[^"\s]{1,64}"|[^\s<>()\[\]:;,"'=]{1,64})@[\pL\pN](?:[\pL\pN.-]*[\pL\pN])?)` +
		`|(\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f:]{0,5}\b)` +
		`|((?:[\pL\pN_][\pL\pN_-]{0,62}\.)+(?:xn--[a-z0-9-]+|\pL{2,24}))` +
		`|(\b[a-z0-9_+/-]*(?:\d[a-z_+/-]+\d|[a-z]\d[a-z]|\d{5,})[a-z0-9_+/=-]*)`)
})

// names keeps who is who within one mail, so that the sample still tells that
// the recipient of the notice is that of the enclosed mail.
type names struct {
	users, domains, addresses map[string]string
	words                     map[string]bool // of people's names, lower case
	subject                   string          // of the mail that came back
}

func newNames() *names {
	return &names{users: map[string]string{}, domains: map[string]string{}, addresses: map[string]string{}, words: map[string]bool{}}
}

// Text replaces what names somebody in a reply, but for people's names, which
// no reply marks as such.
func Text(s string) string { return newNames().text(s) }

// text replaces what names somebody in a text, consistently.
func (n *names) text(s string) string {
	if n.subject != "" {
		s = strings.ReplaceAll(s, n.subject, "a subject")
	}
	var b strings.Builder
	for {
		m := anything().FindStringSubmatchIndex(s)
		if m == nil {
			b.WriteString(n.person(s))
			return b.String()
		}
		b.WriteString(n.person(s[:m[0]]))
		found := s[m[0]:m[1]]
		switch {
		case m[2] >= 0:
			found = "https://host.example/"
		case m[4] >= 0:
			found = n.address(found)
		case m[6] >= 0:
			found = n.ip(found)
		case m[8] >= 0:
			found = n.host(found)
		case !status.MatchString(found):
			found = shape(found)
		}
		b.WriteString(found)
		s = s[m[1]:]
	}
}

// status keeps what rules look for: codes such as "550-5.1.1" or "#5.1.1".
var status = regexp.MustCompile(`^[245]\d\d-[245]$`)

// address replaces an address, but for the local parts that every mail system
// has (RFC 2142).
func (n *names) address(a string) string {
	at := strings.LastIndexByte(a, '@')
	local, domain := strings.ToLower(a[:at]), a[at+1:]
	if systems[strings.Trim(local, `"`)] {
		return a[:at] + "@" + n.domain(domain)
	}
	key := local + "@" + strings.ToLower(domain)
	if n.users[key] == "" {
		n.users[key] = fmt.Sprintf("user%d@%s", len(n.users)+1, n.domain(domain))
	}
	return n.users[key]
}

// host replaces a host name, and keeps which hosts are of one domain.
func (n *names) host(h string) string {
	labels := strings.Split(strings.ToLower(h), ".")
	if len(labels) < 3 {
		return n.domain(h)
	}
	return "host." + n.domain(h)
}

func (n *names) domain(h string) string {
	labels := strings.Split(strings.ToLower(strings.Trim(h, ".")), ".")
	keep := 2
	if k := len(labels); k > 2 && len(labels[k-1]) == 2 && len(labels[k-2]) <= 3 { // co.uk, com.br
		keep = 3
	}
	base := strings.Join(labels[max(0, len(labels)-keep):], ".")
	if n.domains[base] == "" {
		n.domains[base] = fmt.Sprintf("domain%d.example", len(n.domains)+1)
	}
	return n.domains[base]
}

// ip replaces an IP address by one for documentation (RFC 5737, RFC 3849).
func (n *names) ip(a string) string {
	if n.addresses[a] == "" {
		form := "192.0.2.%d"
		if strings.Contains(a, ":") {
			form = "2001:db8::%x"
		}
		n.addresses[a] = fmt.Sprintf(form, len(n.addresses)%250+1)
	}
	return n.addresses[a]
}

// shape keeps only the form of an id.
func shape(id string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsDigit(r):
			return '0'
		case unicode.IsUpper(r):
			return 'X'
		case unicode.IsLetter(r):
			return 'x'
		}
		return r
	}, id)
}

// person replaces the words of people's names.
func (n *names) person(s string) string {
	if len(n.words) == 0 {
		return s
	}
	var b strings.Builder
	start := -1
	flush := func(end int) {
		if start >= 0 {
			word := s[start:end]
			if n.words[strings.ToLower(word)] {
				word = "Name"
			}
			b.WriteString(word)
			start = -1
		}
	}
	for i, r := range s {
		if unicode.IsLetter(r) {
			if start < 0 {
				start = i
			}
			continue
		}
		flush(i)
		b.WriteString(s[i : i+len(string(r))])
	}
	flush(len(s))
	return b.String()
}

// learn remembers the words of a display name, and those of a local part that
// is made of several.
func (n *names) learn(field string) {
	for entry := range strings.SplitSeq(field, ",") {
		addr, name := mime.Address(entry)
		at := strings.LastIndexByte(addr, '@')
		local := strings.ToLower(addr[:max(at, 0)])
		if systems[local] {
			continue
		}
		letters := func(r rune) bool { return !unicode.IsLetter(r) }
		words := strings.FieldsFunc(name, letters)
		if parts := strings.FieldsFunc(local, letters); len(parts) > 1 {
			words = append(words, parts...)
		}
		for _, w := range words {
			if w = strings.ToLower(w); len([]rune(w)) > 2 && !systems[w] && !common[w] {
				n.words[w] = true
			}
		}
	}
}

// systems are the local parts that mail systems write from.
var systems = set("mailer-daemon postmaster abuse root mailer_daemon mailerdaemon daemon noreply no-reply bounce bounces complaints fbl")

// common are words in the names of mail systems and mailboxes: no person's.
var common = set(`mail mailer daemon delivery subsystem system mailbox message user users host domain example name address bounce bounces
 postmaster administrator admin service server the from and for your our returned undeliverable notification notice status report
 internet gateway security filter abuse support info news newsletter sales shop orders billing team list lists unknown invalid not
 reply noreply events office account accounts`)

func set(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}
