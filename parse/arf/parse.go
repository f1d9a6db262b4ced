package arf

import (
	"slices"
	"strings"

	"harvester/parse/mime"
)

// Parse reads the text of a message/feedback-report part (RFC 5965 §3). It
// never fails.
func Parse(text string) *Report {
	return fromFields(mime.Fields([]byte(text)))
}

func fromFields(h mime.Header) *Report {
	r := &Report{Fields: h}
	r.Type, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(h.Get("Feedback-Type"))), " ")
	if r.Type == "" {
		// QUIRK: Microsoft's older reports have no type; they are complaints.
		r.Type = "abuse"
		r.Notes = append(r.Notes, "Feedback-Type missing, taken as abuse")
	}
	for _, name := range []string{"Original-Rcpt-To", "Removal-Recipient"} {
		for _, v := range h.All(name) {
			r.addRecipient(v)
		}
	}
	if addr, _ := mime.Address(typed(h.Get("Original-Mail-From"))); !redacted(addr) {
		r.MailFrom = addr
	}
	r.SourceIP = firstWord(h.Get("Source-IP"))
	r.Domain = strings.TrimPrefix(firstWord(typed(h.Get("Reported-Domain"))), "dns:")
	r.MessageID = strings.Trim(firstWord(first(h, "Original-Message-ID", "Reported-Message-ID", "Message-ID")), "<>")
	return r
}

const (
	redactedNote  = "redacted recipient left out"
	maxRecipients = 1000 // of one report; honest ones name one
)

// addRecipient adds an address unless it is redacted or known.
func (r *Report) addRecipient(v string) {
	all, odd := mime.Entries(typed(v))
	if odd > 0 {
		r.Odd = true
		r.Notes = append(r.Notes, "a recipient is no address: "+mime.Quoted(v))
	}
	for _, addr := range all {
		if redacted(addr) {
			if !slices.Contains(r.Notes, redactedNote) {
				r.Notes = append(r.Notes, redactedNote)
			}
			continue
		}
		if len(r.Recipients) >= maxRecipients {
			return
		}
		for _, known := range r.Recipients {
			if strings.EqualFold(known, addr) {
				return
			}
		}
		r.Recipients = append(r.Recipients, addr)
	}
}

// typed drops an address type, which ARF does not know but some write.
func typed(v string) string {
	if typ, rest, ok := strings.Cut(v, ";"); ok && !strings.Contains(typ, "@") {
		return rest
	}
	return v
}

func first(h mime.Header, names ...string) string {
	for _, n := range names {
		if v := h.Get(n); v != "" {
			return v
		}
	}
	return ""
}

func firstWord(v string) string {
	for w := range strings.FieldsSeq(v) {
		return strings.Trim(w, `"'()[],;`)
	}
	return ""
}

// redacted tells whether an address stands for one that was taken out
// (RFC 6590): the word itself, x in place of letters, or a bare hash.
func redacted(addr string) bool {
	local, domain, ok := strings.Cut(addr, "@")
	if !ok || local == "" {
		return true
	}
	local = strings.ToLower(strings.Trim(local, `[]<>"`))
	switch {
	case strings.Contains(local, "redacted"), strings.Trim(local, "x") == "" && len(local) != 1, local == "x" && strings.Trim(domain, "x") == "",
		strings.Trim(local, "*") == "", strings.HasPrefix(local, "unknown") && len(local) == 7, strings.HasPrefix(strings.ToLower(domain), "redacted"):
		return true
	case len(local) >= 32 && len(local) <= 128:
		return strings.Trim(local, "0123456789abcdef") == ""
	}
	return false
}
