package web

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// sealer turns what must not stand in a URL (an address, a part of one) into a
// reference that only this service can read: URLs end up in the logs of proxies
// and in the histories of browsers. The same text always has the same
// reference, so that a page can be bookmarked; a new token ends all.
type sealer struct {
	aead cipher.AEAD
	key  []byte
}

func newSealer(token string) sealer {
	key := sha256.Sum256([]byte("harvester reference\x00" + token))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a key of 32 bytes is one
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	return sealer{aead, key[:]}
}

// seal is the reference of a text. The nonce is a code over the text: no two
// texts share one.
func (s sealer) seal(text string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(text))
	nonce := mac.Sum(nil)[:s.aead.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, []byte(text), nil))
}

// open reads a reference, false when it is none of ours.
func (s sealer) open(ref string) (text string, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(ref)
	if n := s.aead.NonceSize(); err == nil && len(b) > n {
		plain, err := s.aead.Open(nil, b[:n], b[n:], nil)
		return string(plain), err == nil
	}
	return "", false
}
