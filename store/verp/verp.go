// Package verp makes and verifies signed return paths: the recipient of each
// mail stands in its envelope sender, with a day and a message authentication
// code, so that a notice which comes back to it proves which address we
// mailed, whatever the notice itself says.
//
// The form is
//
//	PREFIX-DAY-CODE-LOCAL=DOMAIN@HOST
//
// where LOCAL=DOMAIN is the recipient in lower case with its last "@" as "=",
// DAY the days since 1970-01-01 in UTC, and CODE the first 12 hexadecimal
// digits of HMAC-SHA256, under the key, of DAY, "-" and the recipient in lower
// case. A shell can make it:
//
//	printf %s "20550-jane@example.net" | openssl dgst -sha256 -hmac "$KEY" -r | cut -c1-12
package verp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Codec signs and verifies. The zero Codec knows no key: it verifies nothing.
type Codec struct {
	Prefix string        // of the local part; default "b"
	Keys   [][]byte      // the first one signs, all of them verify: rotate by putting a new one first
	Valid  time.Duration // how long a return path is good for; default 45 days
}

// ErrForged says that a return path of our form does not verify: it is forged,
// or was signed with a key that is no longer known.
var ErrForged = errors.New("the return path is forged, or its key is unknown")

// ErrExpired says that a return path was signed too long ago, or in the future.
var ErrExpired = errors.New("the return path has expired")

// ErrOther says that an address is no return path of our form.
var ErrOther = errors.New("not a signed return path")

const (
	codeLen = 12
	maxLen  = 64 // octets of a local part, RFC 5321 §4.5.3.1.1; longer ones are refused in the wild
	day     = 24 * time.Hour
)

func (c Codec) prefix() string {
	if c.Prefix == "" {
		return "b"
	}
	return strings.ToLower(c.Prefix)
}

// Sign makes the return path at host for a mail to recipient. It fails for
// recipients that can't stand in a plain local part, or are too long.
func (c Codec) Sign(recipient, host string, now time.Time) (string, error) {
	if len(c.Keys) == 0 || len(c.Keys[0]) < 16 {
		return "", errors.New("signing a return path needs a key of at least 16 bytes")
	}
	recipient = strings.ToLower(recipient)
	at := strings.LastIndexByte(recipient, '@')
	if at < 1 || at == len(recipient)-1 {
		return "", fmt.Errorf("signing a return path: %q is not an address", recipient)
	}
	for i := range len(recipient) {
		if b := recipient[i]; b <= ' ' || b >= 0x7f || i != at && strings.IndexByte(`()<>[]:;@\,"`, b) >= 0 {
			return "", fmt.Errorf("signing a return path: %q can't stand in a plain local part", recipient)
		}
	}
	d := strconv.FormatInt(now.Unix()/86400, 10)
	local := c.prefix() + "-" + d + "-" + code(c.Keys[0], d, recipient) + "-" + recipient[:at] + "=" + recipient[at+1:]
	if len(local) > maxLen {
		return "", fmt.Errorf("signing a return path: %d octets for %q, a local part holds %d", len(local), recipient, maxLen)
	}
	return local + "@" + host, nil
}

// Verify returns the recipient that a return path was signed for. now is when
// the notice came in. The error is ErrOther, ErrForged or ErrExpired; for an
// expired one the recipient is returned too.
func (c Codec) Verify(address string, now time.Time) (string, error) {
	local, _, ok := cutLast(strings.ToLower(strings.Trim(address, "<> ")), '@')
	if !ok {
		return "", ErrOther
	}
	rest, ok := strings.CutPrefix(local, c.prefix()+"-")
	if !ok {
		return "", ErrOther
	}
	d, rest, ok := strings.Cut(rest, "-")
	n, err := strconv.ParseUint(d, 10, 24)
	if !ok || err != nil || len(rest) < codeLen+2 || rest[codeLen] != '-' {
		return "", ErrOther
	}
	user, domain, ok := cutLast(rest[codeLen+1:], '=')
	if !ok || user == "" || domain == "" {
		return "", ErrOther
	}
	recipient := user + "@" + domain
	good := false
	for _, k := range c.Keys {
		// No early exit: the time taken tells nothing about the keys.
		good = hmac.Equal([]byte(code(k, d, recipient)), []byte(rest[:codeLen])) || good
	}
	if !good {
		return "", ErrForged
	}
	valid := c.Valid
	if valid == 0 {
		valid = 45 * day
	}
	// A day of grace for clocks that differ.
	signed := time.Unix(int64(n)*86400, 0)
	if now.Before(signed.Add(-day)) || now.After(signed.Add(valid+day)) {
		return recipient, ErrExpired
	}
	return recipient, nil
}

func code(key []byte, day, recipient string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(day + "-" + recipient))
	return hex.EncodeToString(h.Sum(nil))[:codeLen]
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
