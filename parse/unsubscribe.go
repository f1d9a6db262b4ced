package parse

import (
	"slices"
	"strings"

	"harvester/parse/mime"
)

// Unsubscribe is how a mail lets its recipient unsubscribe, from the worst to
// the best.
type Unsubscribe string

// The ways to unsubscribe.
const (
	UnsubscribeNone     Unsubscribe = "none"      // no List-Unsubscribe field
	UnsubscribeMail     Unsubscribe = "mail"      // by a mail alone
	UnsubscribeLink     Unsubscribe = "link"      // by a page
	UnsubscribeUnsigned Unsubscribe = "unsigned"  // by one click, but no signature covers both fields
	UnsubscribeOneClick Unsubscribe = "one_click" // by one click (RFC 8058)
)

// fewFields is how many fields a header has that came back in excerpts.
const fewFields = 6

// UnsubscribeOf reads it from a header that came back; "" where only some fields
// of it did.
func UnsubscribeOf(h mime.Header) Unsubscribe {
	by, post := strings.ToLower(strings.Join(h.All("List-Unsubscribe"), ",")), strings.Join(h.All("List-Unsubscribe-Post"), "")
	switch {
	case by == "" && len(h) < fewFields:
		return ""
	case by == "":
		return UnsubscribeNone
	case !strings.Contains(by, "<https:") && !strings.Contains(by, "<http:"):
		return UnsubscribeMail
	case !strings.EqualFold(strings.TrimSpace(post), "List-Unsubscribe=One-Click") || !strings.Contains(by, "<https:"):
		return UnsubscribeLink
	case !slices.ContainsFunc(h.All("DKIM-Signature"), coversUnsubscribe):
		return UnsubscribeUnsigned
	}
	return UnsubscribeOneClick
}

// coversUnsubscribe tells whether a signature is over both fields.
func coversUnsubscribe(signature string) bool {
	signed := strings.Split(strings.ToLower(strings.Join(strings.Fields(tag(signature, "h")), "")), ":")
	return slices.Contains(signed, "list-unsubscribe") && slices.Contains(signed, "list-unsubscribe-post")
}
