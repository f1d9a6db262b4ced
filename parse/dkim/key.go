package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Key is a public key of ours.
type Key struct {
	Public crypto.PublicKey // *rsa.PublicKey or ed25519.PublicKey
	Strict bool             // t=s: i= may name no domain below d=
	// Until is when the key ceases to verify: for one that was seen in DNS and
	// is there no more, some weeks after it was last seen. Zero: never.
	Until time.Time
}

// Keys finds the keys of a selector of ours, several after a rotation that kept
// its name; none for anything else. Both names are in lower case. It is called
// once for each signature and must not wait for a network.
type Keys func(domain, selector string) []Key

// The bounds of an RSA key, in bits. RFC 8301 forbids shorter ones; a longer
// one costs too much and fits into no TXT record.
const (
	minBits = 1024
	maxBits = 8192 // of an RSA key
)

// ErrRevoked says that a key record withdraws its key (an empty p=).
var ErrRevoked = errors.New("the key is revoked: its p= is empty")

// ParseKey reads a public key as operators have it: PEM (PKIX or PKCS #1), the
// text of the DNS record ("v=DKIM1; k=rsa; p=…"), or a line of a zone file that
// holds the record in quoted strings, as opendkim-genkey writes it.
func ParseKey(text string) (Key, error) {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return fromPEM(block)
	}
	if strings.Contains(text, "-----BEGIN") {
		return Key{}, errors.New("its PEM block is broken")
	}
	if quoted := quotedStrings(text); quoted != "" {
		text = quoted
	}
	return ParseRecord(text)
}

func fromPEM(block *pem.Block) (Key, error) {
	switch block.Type {
	case "PUBLIC KEY", "RSA PUBLIC KEY":
		k, err := public(block.Bytes)
		return Key{Public: k}, err
	case "PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY":
		return Key{}, errors.New("it is the private key, which nobody but the signer should read; the public one is made by: openssl pkey -in PRIVATE -pubout")
	}
	return Key{}, fmt.Errorf("its PEM block is a %s and no PUBLIC KEY", short(block.Type))
}

// quotedStrings joins the "quoted strings" of a zone file's line. A comment
// behind a semicolon outside of quotes ends the line.
func quotedStrings(text string) string {
	var b strings.Builder
	in, comment := false, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case comment:
			comment = c != '\n'
		case c == '"':
			in = !in
		case in && c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case in:
			b.WriteByte(c)
		case c == ';':
			comment = true
		}
	}
	return b.String()
}

// ParseRecord reads the text of a key record (§3.6.1, RFC 8463 §4).
func ParseRecord(text string) (Key, error) {
	if len(text) > 16<<10 {
		return Key{}, errors.New("the record is longer than 16 KiB")
	}
	t, err := tags(text)
	if err != nil {
		return Key{}, fmt.Errorf("it is no key record: %w", err)
	}
	p, has := t["p"]
	if v, ok := t["v"]; ok && v != "DKIM1" {
		return Key{}, fmt.Errorf("it is no key record: v=%s", short(v))
	}
	if !has {
		return Key{}, errors.New("it is no key record: p= is missing")
	}
	if h, ok := t["h"]; ok && !slices.Contains(list(h), "sha256") {
		return Key{}, fmt.Errorf("it is not for SHA-256: h=%s", short(h))
	}
	if s, ok := t["s"]; ok && !slices.Contains(list(s), "*") && !slices.Contains(list(s), "email") {
		return Key{}, fmt.Errorf("it is not for mail: s=%s", short(s))
	}
	p = dense(p)
	if p == "" {
		return Key{}, ErrRevoked
	}
	der, err := base64.StdEncoding.DecodeString(p)
	if err != nil {
		if der, err = base64.RawStdEncoding.DecodeString(p); err != nil {
			return Key{}, errors.New("its p= is not base64")
		}
	}
	k := Key{Strict: slices.Contains(list(t["t"]), "s")}
	switch kind := strings.ToLower(t["k"]); {
	case kind == "ed25519" && len(der) == ed25519.PublicKeySize:
		k.Public = ed25519.PublicKey(der)
		return k, nil
	case kind == "", kind == "rsa", kind == "ed25519": // QUIRK: some publish ed25519 keys wrapped like RSA ones
		k.Public, err = public(der)
		return k, err
	default:
		return Key{}, fmt.Errorf("its algorithm k=%s is none of rsa, ed25519", short(kind))
	}
}

// public reads a SubjectPublicKeyInfo or, as old keys are, a bare RSAPublicKey.
func public(der []byte) (crypto.PublicKey, error) {
	k, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		if k, err = x509.ParsePKCS1PublicKey(der); err != nil {
			return nil, errors.New("it is no public key that anybody can read")
		}
	}
	switch k := k.(type) {
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < minBits || n > maxBits {
			return nil, fmt.Errorf("its RSA key has %d bits; %d to %d are read", n, minBits, maxBits)
		}
		return k, nil
	case ed25519.PublicKey:
		return k, nil
	}
	return nil, fmt.Errorf("it is a key for another algorithm than rsa and ed25519 (%T)", k)
}
