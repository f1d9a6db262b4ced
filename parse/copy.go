package parse

import (
	"errors"
	"strings"

	"harvester/parse/mime"
)

// Copy is what the copy of a mail that was sent says about it.
type Copy struct {
	Mail       Original // its own header
	Recipients []string // whom it went to, without our own addresses
	Date       Time
}

// envelopeFields name the recipients of the envelope where a server writes
// them down, often those that the header does not show (RFC 5321 §7.2).
var envelopeFields = [...]string{
	"X-Original-To",                // Postfix
	"Envelope-To", "X-Envelope-To", // Exim, Cyrus and others
	"X-RCPT-TO", "X-Real-To", "X-Receiver", "X-Gm-Original-To",
}

// ReadCopy reads the header of raw, the copy of a mail of ours. The recipients
// are those of its envelope, where the copy carries them, or else those in To,
// Cc and Bcc. Our own addresses are left out, and so is the one that the copy
// itself was delivered to (Delivered-To). The error says why raw is no such
// copy: without a Message-ID, without any recipient, or sent by others.
func ReadCopy(raw []byte, opt *Options) (Copy, error) {
	p := parser{opt: opt, limits: opt.Limits}
	if p.limits == (Limits{}) {
		p.limits = DefaultLimits()
	}
	h := mime.ReadHeader(raw, p.limits.MIME.HeaderBytes)
	c := Copy{Mail: originalOf(h), Date: Time{mime.Date(h.Get("Date"))}}
	if strings.Trim(c.Mail.MessageID, "<> \t") == "" {
		return c, errors.New("it has no Message-ID")
	}
	// Whoever knows the address could write to it, to have mail counted as ours.
	if !p.ours(c.Mail.From) && !p.ours(c.Mail.Sender) && !p.ours(c.Mail.ReturnPath) {
		return c, errors.New("no sender in it is ours")
	}
	here := map[string]bool{}
	for _, a := range addressesIn(h, "Delivered-To") {
		here[strings.ToLower(a)] = true
	}
	others, _ := p.foreign(addressesIn(h, envelopeFields[:]...), here)
	if len(others) == 0 {
		var ours int
		others, ours = p.foreign(addressesIn(h, "To", "Cc", "Bcc"), here)
		if len(others)+ours == 0 {
			return c, errors.New("it names no recipient")
		}
	}
	c.Recipients = others[:min(len(others), p.limits.Recipients)]
	return c, nil
}

// foreign returns the addresses that are not ours, and how many are. Those that
// are here count as neither.
func (p *parser) foreign(all []string, here map[string]bool) (others []string, ours int) {
	for _, a := range all {
		switch {
		case here[strings.ToLower(a)]:
		case p.own(a):
			ours++
		default:
			others = append(others, a)
		}
	}
	return others, ours
}

func addressesIn(h mime.Header, fields ...string) (all []string) {
	for _, field := range fields {
		for _, value := range h.All(field) {
			all = append(all, mime.Addresses(value)...)
		}
	}
	return all
}

// ours tells whether addr is an address of our own domains.
func (p *parser) ours(addr string) bool {
	_, domain, ok := cutAddress(addr)
	return ok && p.ownDomain(domain)
}
