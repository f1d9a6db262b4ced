package envelope

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // for Exim; HMAC-SHA-1 is not broken
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"time"
)

// VERP is the shape of variable envelope return paths: text with {local},
// {domain} and, where they are signed, {token}, for example
//
//	bounces-{token}-{local}={domain}@example.org
//
// A notice that comes to such an address tells by its very address whom we
// mailed. A token proves that it was we who wrote it, to whom and on what day:
// it is DAY-CODE, where DAY counts the days since 1970-01-01 in UTC and CODE is
// the first 12 hexadecimal digits of HMAC-SHA-256 (RFC 2104), under the key, of
// DAY, "-" and the recipient in lower case. A shell can make it:
//
//	printf %s "20550-jane@example.net" | openssl dgst -sha256 -hmac "$KEY" -r | cut -c1-12
//
// QUIRK: Exim's ${hmac} knows no SHA-256, so HMAC-SHA-1 is read as well.
type VERP struct {
	pattern string
	parts   []string // literal, field, literal, field, ..., literal
	domain  string
	keys    [][]byte
}

// Sent is what a return path says of the mail that it belongs to.
type Sent struct {
	Recipient string `json:"recipient"` // in lower case when signed; "" when a token is there and does not verify
	Signed    bool   `json:"signed"`    // the token verifies
	Day       int    `json:"day"`       // days since 1970-01-01 UTC when it was signed; 0 unless Signed
	Key       int    `json:"-"`         // index of the key that verifies
}

// Life is how long a signed return path is good for. Queues give up after days;
// the rest is for systems that answer late.
const Life = 45 * 24 * time.Hour

// Fresh tells whether a signed return path was still good when the notice to
// it came in, with a day of grace for clocks that differ.
func (s Sent) Fresh(at time.Time) bool {
	const grace = 24 * time.Hour
	signed := time.Unix(int64(s.Day)*86400, 0)
	return s.Signed && !at.Before(signed.Add(-grace)) && !at.After(signed.Add(Life+grace))
}

const (
	fieldLocal  = "{local}"
	fieldDomain = "{domain}"
	fieldToken  = "{token}"

	codeLength = 12
	maxLocal   = 64 // RFC 5321 §4.5.3.1.1; some receivers do enforce it
)

// ErrTooLong says that a recipient does not fit into a return path.
var ErrTooLong = errors.New("the return path would be longer than the 64 octets that a local part may have")

// NewVERP reads a pattern. The first key signs, all verify: keys rotate by
// putting a new one first and dropping the old one after Life. Keys may be
// missing where the pattern has no {token}.
func NewVERP(pattern string, keys ...[]byte) (*VERP, error) {
	at := strings.LastIndexByte(pattern, '@')
	if at < 1 || at == len(pattern)-1 || strings.ContainsAny(pattern[at+1:], "{}") {
		return nil, fmt.Errorf("VERP pattern %q is no address with fields before its @", pattern)
	}
	v := &VERP{pattern: pattern, domain: pattern[at+1:], keys: keys}
	count := map[string]int{}
	rest := pattern[:at]
	for {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			v.parts = append(v.parts, rest)
			break
		}
		end := strings.IndexByte(rest, '}')
		if end < open {
			return nil, fmt.Errorf("VERP pattern %q: brace without its other", pattern)
		}
		field := rest[open : end+1]
		if field != fieldLocal && field != fieldDomain && field != fieldToken {
			return nil, fmt.Errorf("VERP pattern %q: unknown field %s (there are {local}, {domain}, {token})", pattern, field)
		}
		if len(v.parts) > 0 && open == 0 {
			return nil, fmt.Errorf("VERP pattern %q: nothing stands between two fields", pattern)
		}
		count[field]++
		v.parts = append(v.parts, rest[:open], field)
		rest = rest[end+1:]
	}
	if count[fieldLocal] != 1 || count[fieldDomain] != 1 || count[fieldToken] > 1 {
		return nil, fmt.Errorf("VERP pattern %q needs {local} and {domain} once each, {token} at most once", pattern)
	}
	if count[fieldToken] == 1 && len(keys) == 0 {
		return nil, fmt.Errorf("VERP pattern %q has a {token} but no key to verify it", pattern)
	}
	return v, checkKeys("VERP", keys)
}

// Fingerprint names pattern and keys without telling the keys.
func (v *VERP) Fingerprint() string {
	return fingerprint(v.pattern, v.keys)
}

func fingerprint(what string, keys [][]byte) string {
	h := sha256.New()
	fmt.Fprintln(h, what)
	for _, k := range keys {
		fmt.Fprintf(h, "%x\n", sha256.Sum256(k))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Domain is that of its addresses.
func (v *VERP) Domain() string { return v.domain }

// Signs tells whether the return paths have a token.
func (v *VERP) Signs() bool { return slices.Contains(v.parts, fieldToken) }

// Sign writes the return path of a mail to recipient that is sent at a time.
func (v *VERP) Sign(recipient string, at time.Time) (string, error) {
	i := strings.LastIndexByte(recipient, '@')
	if i < 1 || i == len(recipient)-1 || !plain(recipient[:i]) || !plain(recipient[i+1:]) {
		return "", fmt.Errorf("signing a return path: %q can't stand in a plain local part", recipient)
	}
	recipient = strings.ToLower(recipient) // systems on the way change case
	var b strings.Builder
	for _, p := range v.parts {
		switch p {
		case fieldLocal:
			b.WriteString(recipient[:i])
		case fieldDomain:
			b.WriteString(recipient[i+1:])
		case fieldToken:
			day := strconv.FormatInt(at.Unix()/86400, 10)
			b.WriteString(day + "-" + code(sha256.New, v.keys[0], day, recipient))
		default:
			b.WriteString(p)
		}
	}
	if b.Len() > maxLocal {
		return "", fmt.Errorf("signing a return path for %s: %w", recipient, ErrTooLong)
	}
	return b.String() + "@" + v.domain, nil
}

// plain tells whether s can stand in a local part without quotes.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`()<>[]:;@\,"`, s[i]) >= 0 {
			return false
		}
	}
	return true
}

// Read takes an address apart that may be a return path of one of paths. ok is
// false when it is none. A token that does not verify gives an empty answer:
// somebody made the address up.
func Read(paths []*VERP, addr string) (s Sent, ok bool) {
	for _, v := range paths {
		if s, ok = v.read(addr); ok {
			return s, true
		}
	}
	return Sent{}, false
}

func (v *VERP) read(addr string) (s Sent, ok bool) {
	at := strings.LastIndexByte(addr, '@')
	if at < 0 || !strings.EqualFold(addr[at+1:], v.domain) {
		return Sent{}, false
	}
	rest := addr[:at]
	values := map[string]string{}
	for i, p := range v.parts {
		if i%2 == 0 {
			var found bool
			if rest, found = cutFold(rest, p); !found {
				return Sent{}, false
			}
			continue
		}
		// A field reaches to the literal behind it. Only {local} may hold that
		// literal itself ("a=b"), so it ends at the last one; a token holds one
		// hyphen and has a known shape.
		end := len(rest)
		switch next := v.parts[i+1]; {
		case p == fieldToken:
			end = tokenEnd(rest)
		case next == "":
		case p == fieldLocal:
			end = strings.LastIndex(strings.ToLower(rest), strings.ToLower(next))
		default:
			end = strings.Index(strings.ToLower(rest), strings.ToLower(next))
		}
		if end <= 0 {
			return Sent{}, false
		}
		values[p], rest = rest[:end], rest[end:]
	}
	if rest != "" || !strings.Contains(values[fieldDomain], ".") {
		return Sent{}, false
	}
	s.Recipient = values[fieldLocal] + "@" + values[fieldDomain]
	tok, signing := values[fieldToken]
	if !signing {
		return s, true
	}
	s.Recipient = strings.ToLower(s.Recipient)
	day, mac, _ := strings.Cut(strings.ToLower(tok), "-")
	for i, k := range v.keys {
		for _, hash := range [...]func() hash.Hash{sha256.New, sha1.New} {
			// No early exit: the time taken tells nothing about the keys.
			if hmac.Equal([]byte(code(hash, k, day, s.Recipient)), []byte(mac)) {
				s.Signed, s.Key = true, i
			}
		}
	}
	if !s.Signed {
		return Sent{}, true
	}
	s.Day, _ = strconv.Atoi(day)
	return s, true
}

// tokenEnd is the length of the token that s begins with, 0 when there is none.
func tokenEnd(s string) int {
	digits := 0
	for digits < len(s) && digits < 7 && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	if end := digits + 1 + codeLength; digits > 0 && end <= len(s) && s[digits] == '-' {
		return end
	}
	return 0
}

func code(hash func() hash.Hash, key []byte, day, recipient string) string {
	h := hmac.New(hash, key)
	h.Write([]byte(day + "-" + recipient))
	return hex.EncodeToString(h.Sum(nil))[:codeLength]
}
