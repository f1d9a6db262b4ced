package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of one header.
const (
	maxSignatures = 16       // that are looked at, from the top
	maxSigned     = 500      // names in h=
	maxKeys       = 8        // tried for one signature
	maxValue      = 32 << 10 // bytes of a signature
)

// Signature is one DKIM-Signature field that names a key of ours.
type Signature struct {
	Domain   string // d=, lower case
	Selector string // s=, lower case
	// Signed are the fields that the signature covers, in the order of h=:
	// names in lower case, values in relaxed form. Nil unless it verifies.
	Signed  []Field
	Time    time.Time // t=, zero when absent
	Expires time.Time // x=, zero when absent
	// Mail names what was signed, the same for all signatures of one mail: a
	// hash of its Message-ID where that is covered, else of bh=. Hexadecimal.
	Mail string
	Err  error // why it does not verify; nil when it does

	until time.Time // of the key
}

// Field is a covered field.
type Field struct{ Name, Value string }

// errNoKey says that no key is known for a signature of ours.
var errNoKey = errors.New("no key is known for it")

// Verify verifies the signatures in header, a header block with or without a
// body behind it, in any line ends, whose domain mine calls ours. Signatures of others are passed over. The
// cost is bounded: at most 16 signatures, each hashing the header once.
func Verify(header []byte, mine func(domain string) bool, keys Keys) []Signature {
	all := fields(header)
	var out []Signature
	seen := 0
	for i := range all {
		if all[i].name != "dkim-signature" {
			continue
		}
		if seen++; seen > maxSignatures {
			break
		}
		t, err := readTags(all[i])
		domain, selector := strings.ToLower(strings.Trim(t["d"], " \t\r\n")), strings.ToLower(strings.Trim(t["s"], " \t\r\n"))
		if domain == "" || !mine(domain) {
			continue
		}
		s := Signature{Domain: domain, Selector: selector, Err: err}
		if err == nil {
			s.Err = s.verify(all, i, t, keys)
		}
		if s.Err != nil {
			s.Signed, s.Mail = nil, ""
		}
		out = append(out, s)
	}
	return out
}

func readTags(f field) (map[string]string, error) {
	value := f.raw[f.at:]
	if len(value) > maxValue {
		return nil, errors.New("it is too long")
	}
	return tags(value)
}

// verify checks s, the field at i of all with the tags t (§6.1).
func (s *Signature) verify(all []field, i int, t map[string]string, keys Keys) error {
	algorithm := strings.ToLower(t["a"])
	signed := list(t["h"])
	simple, err := canonicalisation(t["c"])
	switch {
	case err != nil:
		return err
	case t["v"] != "1":
		return fmt.Errorf("its version is v=%s", short(t["v"]))
	case algorithm == "rsa-sha1":
		return errors.New("rsa-sha1 proves nothing any more (RFC 8301)")
	case algorithm != "rsa-sha256" && algorithm != "ed25519-sha256":
		return fmt.Errorf("its algorithm a=%s is unknown", short(algorithm))
	case !hostName(s.Domain) || !hostName(s.Selector):
		return errors.New("d= or s= is no name")
	case !slices.Contains(signed, "from"):
		return errors.New("it does not sign From")
	case len(signed) > maxSigned:
		return errors.New("h= names too many fields")
	case t["bh"] == "":
		return errors.New("bh= is missing")
	}
	if q, ok := t["q"]; ok && !slices.Contains(list(q), "dns/txt") {
		return fmt.Errorf("its key is elsewhere: q=%s", short(q))
	}
	if l, ok := t["l"]; ok {
		if _, err := strconv.ParseUint(l, 10, 64); err != nil {
			return fmt.Errorf("l=%s is no length", short(l))
		}
	}
	if s.Time, err = seconds(t, "t"); err != nil {
		return err
	}
	if s.Expires, err = seconds(t, "x"); err != nil {
		return err
	}
	if !s.Time.IsZero() && !s.Expires.IsZero() && !s.Expires.After(s.Time) {
		return errors.New("it expires before it was made")
	}
	below, err := s.identity(t)
	if err != nil {
		return err
	}
	sig, err := base64.StdEncoding.DecodeString(dense(t["b"]))
	if err != nil || len(sig) == 0 {
		return errors.New("b= is not base64")
	}
	found := keys(s.Domain, s.Selector)
	if len(found) == 0 {
		return errNoKey
	}
	sum := s.hash(all, i, signed, simple)
	for _, k := range found[:min(len(found), maxKeys)] {
		if (!k.Strict || !below) && k.verifies(algorithm, sum, sig) {
			s.until = k.Until
			s.Mail = mailName(s.Signed, t["bh"])
			return nil
		}
	}
	return errors.New("it does not verify: the header was changed on the way, or made up")
}

// identity reads i=, which must be d= or a domain below it.
func (s *Signature) identity(t map[string]string) (below bool, err error) {
	i, ok := t["i"]
	if !ok {
		return false, nil
	}
	at := strings.LastIndexByte(i, '@')
	domain := strings.ToLower(strings.Trim(i[at+1:], " \t\r\n"))
	switch {
	case at < 0:
		return false, errors.New("i= is no address")
	case domain == s.Domain:
		return false, nil
	case strings.HasSuffix(domain, "."+s.Domain):
		return true, nil
	}
	return false, errors.New("i= is not below d=")
}

// hash collects the covered fields and hashes them with the signature (§3.7).
func (s *Signature) hash(all []field, i int, signed []string, simple bool) []byte {
	h := sha256.New()
	next := map[string]int{} // where to go on looking for a field, from below
	for _, name := range signed {
		at, ok := next[name]
		if !ok {
			at = len(all)
		}
		for at--; at >= 0 && (at == i || all[at].name != name); {
			at--
		}
		next[name] = max(at, 0)
		if at < 0 {
			continue // signed as absent
		}
		h.Write([]byte(all[at].canonical(simple) + "\r\n"))
		s.Signed = append(s.Signed, Field{name, relaxed(all[at].raw[all[at].at:])})
	}
	h.Write([]byte(all[i].unsigned().canonical(simple)))
	return h.Sum(nil)
}

func (k Key) verifies(algorithm string, sum, sig []byte) bool {
	switch p := k.Public.(type) {
	case *rsa.PublicKey:
		return algorithm == "rsa-sha256" && rsa.VerifyPKCS1v15(p, crypto.SHA256, sum, sig) == nil
	case ed25519.PublicKey:
		return algorithm == "ed25519-sha256" && ed25519.Verify(p, sum, sig)
	}
	return false
}

func mailName(signed []Field, bh string) string {
	name := "bh:" + dense(bh)
	for _, f := range signed {
		if id := strings.Trim(f.Value, "<> "); f.Name == "message-id" && id != "" {
			name = "id:" + id
		}
	}
	h := sha256.Sum256([]byte(name))
	return hex.EncodeToString(h[:12])
}

// canonicalisation reads the header's half of c=.
func canonicalisation(c string) (simple bool, err error) {
	header, body, both := strings.Cut(strings.ToLower(dense(c)), "/")
	known := func(s string) bool { return s == "simple" || s == "relaxed" }
	if c != "" && !known(header) || both && !known(body) {
		return false, fmt.Errorf("its canonicalisation c=%s is unknown", short(c))
	}
	return header != "relaxed", nil
}

// seconds reads t= or x=.
func seconds(t map[string]string, name string) (time.Time, error) {
	v, ok := t[name]
	if !ok {
		return time.Time{}, nil
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil || n > 1<<40 || n == 0 {
		return time.Time{}, fmt.Errorf("%s=%s is no time", name, short(v))
	}
	return time.Unix(int64(n), 0).UTC(), nil //nolint:gosec // below 1<<40
}

func hostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.IndexFunc(label, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_')
		}) >= 0 {
			return false
		}
	}
	return true
}
