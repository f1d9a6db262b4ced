package harvest

import (
	"bytes"
	"net/mail"
	"strings"
	"time"
)

// maxTraceHeader bounds how much of a header is looked at for its first
// Received field; real ones stand in the first lines.
const maxTraceHeader = 64 << 10

// ReceivedDate is the date of the topmost Received field (RFC 5321 §4.4): when
// the last server took the mail. It is the same on every machine and for every
// source, which an IMAP INTERNALDATE or a file's time is not. Zero when there
// is none or it can't be read.
func ReceivedDate(raw []byte) time.Time {
	rest := raw[:min(len(raw), maxTraceHeader)]
	var field []byte
	for len(rest) > 0 {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		rest = after
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			break
		}
		if folded := line[0] == ' ' || line[0] == '\t'; folded {
			if field != nil {
				field = append(field, line...)
			}
			continue
		}
		if field != nil {
			break
		}
		const name = "received:"
		if len(line) >= len(name) && strings.EqualFold(string(line[:len(name)]), name) {
			field = append([]byte{}, line[len(name):]...)
		}
	}
	semicolon := bytes.LastIndexByte(field, ';')
	if semicolon < 0 {
		return time.Time{}
	}
	return parseDate(strings.TrimSpace(string(field[semicolon+1:])))
}

// parseDate tries the usual form first: the general one tries dozens, and this
// runs for every message.
func parseDate(s string) time.Time {
	plain, _, _ := strings.Cut(s, " (")
	at, err := time.Parse("Mon, _2 Jan 2006 15:04:05 -0700", plain)
	if err != nil {
		at, err = mail.ParseDate(s)
	}
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}
