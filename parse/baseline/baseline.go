// Package baseline reads a mail as the standard library does, and understands
// nothing. Machines differ, so the speeds of the parser and of the program are
// told as ratios to it.
package baseline

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// Walk goes through header, parts and transfer encodings of a raw mail.
func Walk(raw []byte) {
	if m, err := mail.ReadMessage(bytes.NewReader(raw)); err == nil {
		walk(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
	}
}

func walk(contentType, encoding string, r io.Reader) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err == nil && strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(r, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if err != nil {
				return
			}
			walk(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p)
		}
	}
	switch strings.ToLower(encoding) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	_, _ = io.Copy(io.Discard, r) // a defect ends the walk of this part
}
