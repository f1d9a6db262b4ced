package mime

import (
	"bytes"
	"strings"
)

// encoding returns the transfer encoding in one spelling: "base64",
// "quoted-printable", or "" for all that leaves bytes as they are.
func (p *Part) encoding() string {
	v := strings.TrimLeft(p.Header.Get("Content-Transfer-Encoding"), " \t\"'")
	switch {
	case len(v) >= 6 && strings.EqualFold(v[:6], "base64"):
		return "base64"
	case len(v) >= 6 && strings.EqualFold(v[:6], "quoted"):
		return "quoted-printable"
	}
	return ""
}

// Bytes returns the body with its transfer encoding undone (RFC 2045 §6), as
// far as it can be.
func (p *Part) Bytes() []byte { return decodeTransfer(p.body, p.encoding()) }

func decodeTransfer(b []byte, encoding string) []byte {
	switch encoding {
	case "base64":
		if out, ok := decodeBase64(b); ok {
			return out
		}
	case "quoted-printable":
		return decodeQP(b)
	}
	return b
}

// decodeQP undoes quoted-printable (RFC 2045 §6.7). What is no escape stays as
// it is, since templates carry literal `=` in their URLs.
func decodeQP(b []byte) []byte {
	i := bytes.IndexByte(b, '=')
	if i < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i >= 0 {
		out = append(out, b[:i]...)
		b = b[i+1:]
		if len(b) >= 2 {
			if c, ok := unhex(b[0], b[1]); ok {
				out = append(out, c)
				b = b[2:]
				i = bytes.IndexByte(b, '=')
				continue
			}
		}
		n := 0
		for n < len(b) && (b[n] == ' ' || b[n] == '\t' || b[n] == '\r') {
			n++
		}
		switch {
		case n == len(b):
			b = nil
		case b[n] == '\n':
			b = b[n+1:]
		default:
			out = append(out, '=')
		}
		i = bytes.IndexByte(b, '=')
	}
	return append(out, b...)
}

func unhex(a, b byte) (byte, bool) {
	x, y := hexDigit(a), hexDigit(b)
	return x<<4 | y, x < 16 && y < 16
}

func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

const (
	b64Pad = 64 + iota
	b64Blank
	b64Foreign
)

// b64 gives each byte its value in the alphabet of RFC 4648 §4.
var b64 = func() (t [256]byte) {
	for i := range t {
		t[i] = b64Foreign
	}
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t[c] = byte(i)
	}
	t['='] = b64Pad
	t[' '], t['\t'], t['\r'], t['\n'] = b64Blank, b64Blank, b64Blank, b64Blank
	return t
}()

// decodeBase64 undoes base64 (RFC 2045 §6.8): blanks are skipped, padding may
// be missing, several padded blocks may follow each other, and the first line
// with a foreign character (a footer) ends it. ok is false when nothing of b is
// base64.
func decodeBase64(b []byte) (out []byte, ok bool) {
	out = make([]byte, 0, len(b)/4*3+3)
	var acc uint32
	bits := 0
	line := 0 // where the output of the current line began
	for _, c := range b {
		switch v := b64[c]; {
		case v < 64:
			acc = acc<<6 | uint32(v)
			if bits += 6; bits >= 8 {
				bits -= 8
				out = append(out, byte(acc>>bits))
			}
		case v == b64Pad:
			acc, bits = 0, 0
		case v == b64Blank:
			if c == '\n' {
				line = len(out)
			}
		default:
			return out[:line], line > 0
		}
	}
	return out, len(out) > 0 || len(bytes.TrimSpace(b)) == 0
}

// Head returns the decoded body as far as limit bytes or a little more. Use it
// where only a beginning is of interest: the rest is never decoded.
func (p *Part) Head(limit int) []byte {
	enc := p.encoding()
	if enc == "" {
		return p.body[:min(len(p.body), limit)]
	}
	return decodeTransfer(p.body[:min(len(p.body), 2*limit)], enc)
}
