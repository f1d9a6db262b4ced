package envelope

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
)

// VERP is the shape of variable envelope return paths: text with {local},
// {domain} and, where they are signed, {token}, for example
//
//	bounces+{token}-{local}={domain}@example.org
//
// A notice that comes to such an address tells by its very address whom we
// mailed. A token proves that it was we who wrote it, to whom and on what day.
type VERP struct {
	parts  []string // literal, field, literal, field, ..., literal
	domain string
	keys   []Key
}

// Key signs tokens. The first key signs, all verify, so that keys rotate: put
// the new one first and drop the old one when its last tokens have expired.
type Key struct {
	ID     byte // a letter or digit, written into each token
	Secret []byte
}

// Sent is what a return path says of the mail that it belongs to.
type Sent struct {
	Recipient string `json:"recipient"` // "" when a token is there and does not verify
	Signed    bool   `json:"signed"`    // the token verifies
	Day       int    `json:"day"`       // days since 1970-01-01 UTC when it was signed; 0 unless Signed
}

const (
	fieldLocal  = "{local}"
	fieldDomain = "{domain}"
	fieldToken  = "{token}"

	tokenLength = 14 // key id, three characters of day, ten of signature
	maxLocal    = 64 // RFC 5321 §4.5.3.1.1; some receivers do enforce it
	dayCycle    = 1 << 15
)

// ErrTooLong says that a recipient does not fit into a return path.
var ErrTooLong = errors.New("return path is longer than the 64 octets that RFC 5321 allows a local part")

// NewVERP reads a pattern. Keys may be missing where it has no {token}.
func NewVERP(pattern string, keys []Key) (*VERP, error) {
	at := strings.LastIndexByte(pattern, '@')
	if at < 1 || at == len(pattern)-1 || strings.ContainsAny(pattern[at+1:], "{}") {
		return nil, fmt.Errorf("VERP pattern %q is no address with fields before its @", pattern)
	}
	v := &VERP{domain: pattern[at+1:], keys: keys}
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
	for _, k := range keys {
		if !(k.ID >= 'a' && k.ID <= 'z' || k.ID >= '0' && k.ID <= '9') {
			return nil, fmt.Errorf("VERP key id %q is not one of a-z, 0-9", k.ID)
		}
		if len(k.Secret) < 16 {
			return nil, fmt.Errorf("VERP key %q is shorter than 16 bytes", k.ID)
		}
	}
	return v, nil
}

// Domain is the domain of all return paths of v.
func (v *VERP) Domain() string { return v.domain }

// Sign writes the return path of a mail to recipient that is sent on day.
func (v *VERP) Sign(recipient string, day int) (string, error) {
	at := strings.LastIndexByte(recipient, '@')
	if at < 1 || at == len(recipient)-1 || strings.ContainsAny(recipient, "\" \t<>") {
		return "", fmt.Errorf("address %q can't stand in a return path", recipient)
	}
	var b strings.Builder
	for _, p := range v.parts {
		switch p {
		case fieldLocal:
			b.WriteString(recipient[:at])
		case fieldDomain:
			b.WriteString(recipient[at+1:])
		case fieldToken:
			b.WriteString(token(v.keys[0], recipient, day))
		default:
			b.WriteString(p)
		}
	}
	if b.Len() > maxLocal {
		return "", fmt.Errorf("signing for %s: %w", recipient, ErrTooLong)
	}
	return b.String() + "@" + v.domain, nil
}

// Read takes a return path of v apart. Anything else gives ok false. A token
// that does not verify gives an empty answer: somebody made the address up.
func (v *VERP) Read(addr string) (s Sent, ok bool) {
	at := strings.LastIndexByte(addr, '@')
	if at < 0 || !strings.EqualFold(addr[at+1:], v.domain) {
		return Sent{}, false
	}
	rest := addr[:at]
	values := map[string]string{}
	for i, p := range v.parts {
		if i%2 == 1 {
			// A field reaches to the literal behind it. Only {local} may hold
			// that literal itself ("a=b"), so it ends at the last one.
			next := v.parts[i+1]
			end := len(rest)
			if next != "" {
				if p == fieldLocal {
					end = lastFold(rest, next)
				} else {
					end = indexFold(rest, next)
				}
			}
			if end <= 0 {
				return Sent{}, false
			}
			values[p], rest = rest[:end], rest[end:]
			continue
		}
		var found bool
		if rest, found = cutFold(rest, p); !found {
			return Sent{}, false
		}
	}
	if rest != "" || !strings.Contains(values[fieldDomain], ".") {
		return Sent{}, false
	}
	s.Recipient = values[fieldLocal] + "@" + values[fieldDomain]
	if tok, signing := values[fieldToken]; signing {
		if s.Day, s.Signed = v.verify(tok, s.Recipient); !s.Signed {
			return Sent{}, true
		}
	}
	return s, true
}

func (v *VERP) verify(tok, recipient string) (day int, ok bool) {
	tok = strings.ToLower(tok)
	if len(tok) != tokenLength {
		return 0, false
	}
	for _, c := range []byte(tok[1:4]) {
		digit := strings.IndexByte(alphabet, c)
		if digit < 0 {
			return 0, false
		}
		day = day<<5 | digit
	}
	for _, k := range v.keys {
		if k.ID == tok[0] && hmac.Equal([]byte(token(k, recipient, day)), []byte(tok)) {
			return day, true
		}
	}
	return 0, false
}

var encoding = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

// token is key id, day and the head of an HMAC-SHA-256 (RFC 2104) over both and
// the recipient in lower case, since systems on the way change case.
func token(k Key, recipient string, day int) string {
	day %= dayCycle
	head := string([]byte{k.ID, alphabet[day>>10&31], alphabet[day>>5&31], alphabet[day&31]})
	mac := hmac.New(sha256.New, k.Secret)
	mac.Write([]byte("harvester-verp-1\n" + head + "\n" + strings.ToLower(recipient)))
	return head + encoding.EncodeToString(mac.Sum(nil))[:tokenLength-len(head)]
}

func indexFold(s, sub string) int { return strings.Index(strings.ToLower(s), strings.ToLower(sub)) }
func lastFold(s, sub string) int  { return strings.LastIndex(strings.ToLower(s), strings.ToLower(sub)) }
