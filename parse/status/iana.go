// Package status reads and explains the codes that a refusal carries: the
// enhanced status codes of RFC 3463 with the IANA registry, and the reply
// codes of RFC 5321.
package status

import "harvester/parse/bounce"

// Meaning is what a code says by itself, without the text around it.
type Meaning struct {
	Name   string        // of the registry, or of RFC 5321
	Reason bounce.Reason // Unclassified where the code says nothing
	Weak   bool          // in practice the code stands for many things: any text is better
}

// iana is the registry "Enumerated Status Codes"
// (https://www.iana.org/assignments/smtp-enhanced-status-codes/), keyed by
// subject and detail. Where use and registry part, the vendor's rule file says
// so for the vendor's hosts; here the registry stands.
var iana = map[[2]uint16]Meaning{
	{0, 0}: {"other undefined status", bounce.Unclassified, true},

	{1, 0}:  {"other address status", bounce.Unclassified, true},
	{1, 1}:  {"bad destination mailbox address", bounce.UserUnknown, false},
	{1, 2}:  {"bad destination system address", bounce.DomainUnknown, false},
	{1, 3}:  {"bad destination mailbox address syntax", bounce.AddressInvalid, false},
	{1, 4}:  {"destination mailbox address ambiguous", bounce.UserUnknown, true},
	{1, 5}:  {"destination address valid", bounce.Unclassified, true},
	{1, 6}:  {"destination mailbox has moved, no forwarding address", bounce.UserMoved, false},
	{1, 7}:  {"bad sender's mailbox address syntax", bounce.PolicyRejected, false},
	{1, 8}:  {"bad sender's system address", bounce.AuthFailed, false},
	{1, 9}:  {"message relayed to non-compliant mailer", bounce.Unclassified, true},
	{1, 10}: {"recipient address has null MX", bounce.DomainUnknown, false},

	{2, 0}: {"other or undefined mailbox status", bounce.Unclassified, true},
	{2, 1}: {"mailbox disabled, not accepting messages", bounce.MailboxDisabled, false},
	{2, 2}: {"mailbox full", bounce.MailboxFull, false},
	{2, 3}: {"message length exceeds administrative limit", bounce.MessageTooLarge, false},
	{2, 4}: {"mailing list expansion problem", bounce.RoutingFailed, false},

	{3, 0}: {"other or undefined mail system status", bounce.Unclassified, true},
	{3, 1}: {"mail system full", bounce.Deferred, false},
	{3, 2}: {"system not accepting network messages", bounce.Deferred, false},
	{3, 3}: {"system not capable of selected features", bounce.ProtocolError, false},
	{3, 4}: {"message too big for system", bounce.MessageTooLarge, false},
	{3, 5}: {"system incorrectly configured", bounce.RoutingFailed, false},
	{3, 6}: {"requested priority was changed", bounce.Unclassified, true},

	{4, 0}: {"other or undefined network or routing status", bounce.RoutingFailed, true},
	{4, 1}: {"no answer from host", bounce.Expired, false},
	{4, 2}: {"bad connection", bounce.Expired, false},
	{4, 3}: {"directory server failure", bounce.RoutingFailed, false},
	{4, 4}: {"unable to route", bounce.DomainUnknown, true},
	{4, 5}: {"mail system congestion", bounce.Deferred, false},
	{4, 6}: {"routing loop detected", bounce.RoutingFailed, false},
	{4, 7}: {"delivery time expired", bounce.Expired, false},

	{5, 0}: {"other or undefined protocol status", bounce.ProtocolError, true},
	{5, 1}: {"invalid command", bounce.ProtocolError, false},
	{5, 2}: {"syntax error", bounce.ProtocolError, false},
	{5, 3}: {"too many recipients", bounce.RateLimited, false},
	{5, 4}: {"invalid command arguments", bounce.ProtocolError, false},
	{5, 5}: {"wrong protocol version", bounce.ProtocolError, false},
	{5, 6}: {"authentication exchange line is too long", bounce.SenderAccount, false},

	{6, 0}:  {"other or undefined media error", bounce.ContentPolicy, true},
	{6, 1}:  {"media not supported", bounce.ContentPolicy, false},
	{6, 2}:  {"conversion required and prohibited", bounce.ProtocolError, false},
	{6, 3}:  {"conversion required but not supported", bounce.ProtocolError, false},
	{6, 4}:  {"conversion with loss performed", bounce.ProtocolError, false},
	{6, 5}:  {"conversion failed", bounce.ProtocolError, false},
	{6, 6}:  {"message content not available", bounce.ProtocolError, false},
	{6, 7}:  {"non-ASCII addresses not permitted for that sender/recipient", bounce.ProtocolError, false},
	{6, 8}:  {"UTF-8 string reply is required, but not permitted by the SMTP client", bounce.ProtocolError, false},
	{6, 9}:  {"UTF-8 header message cannot be transferred", bounce.ProtocolError, false},
	{6, 10}: {"UTF-8 string reply is required (duplicate of X.6.8)", bounce.ProtocolError, false},

	{7, 0}:  {"other or undefined security status", bounce.PolicyRejected, true},
	{7, 1}:  {"delivery not authorized, message refused", bounce.PolicyRejected, true},
	{7, 2}:  {"mailing list expansion prohibited", bounce.RecipientRestricted, false},
	{7, 3}:  {"security conversion required but not possible", bounce.TLSFailed, false},
	{7, 4}:  {"security features not supported", bounce.TLSFailed, false},
	{7, 5}:  {"cryptographic failure", bounce.TLSFailed, false},
	{7, 6}:  {"cryptographic algorithm not supported", bounce.TLSFailed, false},
	{7, 7}:  {"message integrity failure", bounce.TLSFailed, true},
	{7, 8}:  {"authentication credentials invalid", bounce.SenderAccount, false},
	{7, 9}:  {"authentication mechanism is too weak", bounce.SenderAccount, true},
	{7, 10}: {"encryption needed", bounce.TLSFailed, false},
	{7, 11}: {"encryption required for requested authentication mechanism", bounce.TLSFailed, false},
	{7, 12}: {"a password transition is needed", bounce.SenderAccount, false},
	{7, 13}: {"user account disabled (of the submitter)", bounce.SenderAccount, true},
	{7, 14}: {"trust relationship required", bounce.SenderAccount, false},
	{7, 15}: {"priority level is too low", bounce.Deferred, false},
	{7, 16}: {"message is too big for the specified priority", bounce.MessageTooLarge, false},
	{7, 17}: {"mailbox owner has changed", bounce.UserUnknown, false},
	{7, 18}: {"domain owner has changed", bounce.DomainUnknown, false},
	{7, 19}: {"RRVS test cannot be completed", bounce.Deferred, false},
	{7, 20}: {"no passing DKIM signature found", bounce.AuthDKIM, false},
	{7, 21}: {"no acceptable DKIM signature found", bounce.AuthDKIM, false},
	{7, 22}: {"no valid author-matched DKIM signature found", bounce.AuthDKIM, false},
	{7, 23}: {"SPF validation failed", bounce.AuthSPF, false},
	{7, 24}: {"SPF validation error", bounce.AuthSPF, false},
	{7, 25}: {"reverse DNS validation failed", bounce.AuthPTR, false},
	{7, 26}: {"multiple authentication checks failed", bounce.AuthFailed, false},
	{7, 27}: {"sender address has null MX", bounce.AuthFailed, false},
	{7, 28}: {"mail flood detected", bounce.RateLimited, false},
	{7, 29}: {"ARC validation failure", bounce.AuthFailed, false},
	{7, 30}: {"REQUIRETLS support required", bounce.TLSFailed, false},
}

// subjects are the reasons of codes that no registry knows, by their subject
// alone (RFC 3463 §2: an unknown detail is read as x.y.0). All are weak.
var subjects = [...]Meaning{
	{"undefined status", bounce.Unclassified, true},
	{"address status", bounce.Unclassified, true},
	{"mailbox status", bounce.Unclassified, true},
	{"mail system status", bounce.Unclassified, true},
	{"network or routing status", bounce.RoutingFailed, true},
	{"protocol status", bounce.ProtocolError, true},
	{"media error", bounce.ContentPolicy, true},
	{"security or policy status", bounce.PolicyRejected, true},
}

// Lookup says what the enhanced status code means in the registry. ok is false
// for a code that the registry doesn't have; the meaning is then that of its
// subject, weak. The class digit is not looked at: a caller decides what a
// 4.y.z means to it.
func Lookup(code string) (m Meaning, ok bool) {
	_, subject, detail, valid := Split(code)
	if !valid {
		return Meaning{Weak: true}, false
	}
	if m, ok = iana[[2]uint16{subject, detail}]; ok {
		return m, true
	}
	if int(subject) < len(subjects) {
		return subjects[subject], false
	}
	return subjects[0], false
}

// Split takes an enhanced status code apart (RFC 3463 §2). The class is 2, 4
// or 5, subject and detail have at most three digits.
func Split(code string) (class byte, subject, detail uint16, ok bool) {
	if len(code) < 5 || code[1] != '.' || code[0] != '2' && code[0] != '4' && code[0] != '5' {
		return 0, 0, 0, false
	}
	subject, i := number(code, 2)
	if i == 2 || i >= len(code) || code[i] != '.' {
		return 0, 0, 0, false
	}
	detail, j := number(code, i+1)
	if j == i+1 || j != len(code) {
		return 0, 0, 0, false
	}
	return code[0], subject, detail, true
}

// number reads up to three digits of s from i on.
func number(s string, i int) (n uint16, end int) {
	for end = i; end < len(s) && end < i+3 && '0' <= s[end] && s[end] <= '9'; end++ {
		n = n*10 + uint16(s[end]-'0')
	}
	return n, end
}

// Specific reports whether a code says more than x.0.0.
func Specific(code string) bool {
	_, subject, detail, ok := Split(code)
	return ok && (subject != 0 || detail != 0)
}
