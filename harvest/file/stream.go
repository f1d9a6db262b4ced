package file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"harvester/harvest"
)

const (
	readSize = 64 << 10
	// sniffSize is how much of a file decides whether it is mail.
	sniffSize = 4 << 10
)

// stream yields what one file holds: an mbox or one message. A file that was
// not asked for by name must look like mail.
func (w *walk) stream(path string, r *bufio.Reader, asked bool) bool {
	start, err := r.Peek(sniffSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return w.fail(path, explain(path, err))
	}
	switch {
	case len(start) == 0:
		return w.fail(path, fmt.Errorf("reading %s: %w: it is empty", path, ErrNotMail))
	case isSeparator(firstLine(start)) && !single(path):
		return w.mbox(path, r)
	case bytes.IndexByte(start, 0) >= 0 && !looksLikeMail(start),
		(!asked || w.Strict && path != "-" && !inMaildir(path)) && !looksLikeMail(start):
		return w.fail(path, fmt.Errorf("reading %s: %w: no header field at its start", path, ErrNotMail))
	}
	received := maildirTime(path)
	if line := firstLine(start); isSeparator(line) {
		// A From_ line is an envelope that some program left; no part of the mail.
		received = separatorTime(line)
		_, _ = r.Discard(len(line) + 1) // it was peeked at
	}
	k := harvest.NewKeeper(w.MaxMessage)
	if _, err := io.Copy(k, r); err != nil {
		return w.fail(path, explain(path, err))
	}
	return w.yield(message(k, path, received), nil)
}

// single says whether a file is one message even if it begins as an mbox does.
func single(path string) bool {
	return strings.EqualFold(filepath.Ext(path), ".eml") || inMaildir(path)
}

// headerField matches the start of an RFC 5322 §2.2 header field.
var headerField = regexp.MustCompile(`^[!-9;-~]{1,76}[ \t]*:`)

// looksLikeMail says whether one of the first lines is a header field that
// mail has. Files of other kinds lie in mail directories as well.
func looksLikeMail(start []byte) bool {
	for line := range bytes.Lines(start) {
		if !headerField.Match(line) {
			continue
		}
		name, _, _ := bytes.Cut(line, []byte(":"))
		switch lower := strings.ToLower(string(bytes.TrimSpace(name))); lower {
		case "received", "return-path", "delivered-to", "from", "to", "cc", "subject", "date", "message-id", "mime-version",
			"content-type", "content-transfer-encoding", "sender", "reply-to", "auto-submitted", "reporting-mta", "envelope-to",
			"authentication-results", "dkim-signature", "arc-seal", "precedence", "list-unsubscribe", "feedback-type":
			return true
		default:
			if strings.HasPrefix(lower, "x-") {
				return true
			}
		}
	}
	return false
}

func firstLine(b []byte) []byte {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return line
}

// maildirTime is the delivery time at the start of a Maildir file's name.
func maildirTime(path string) time.Time {
	seconds, _, ok := strings.Cut(filepath.Base(path), ".")
	if n, err := strconv.ParseInt(seconds, 10, 64); ok && err == nil && n > 1e8 && n < 1e11 && inMaildir(path) {
		return time.Unix(n, 0).UTC()
	}
	return time.Time{}
}

// message is what was kept, with the date of its Received field, else the one
// given.
func message(k *harvest.Keeper, name string, received time.Time) harvest.Message {
	m := harvest.Message{Locator: harvest.Locator{Name: name}}
	k.Fill(&m)
	if m.Received.IsZero() {
		m.Received = received
	}
	return m
}
