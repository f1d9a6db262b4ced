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
	"X-Original-To", "Delivered-To", // Postfix, Dovecot, qmail
	"Envelope-To", "X-Envelope-To", // Exim, Cyrus and others
	"X-RCPT-TO", "X-Real-To", "X-Receiver", "X-Gm-Original-To",
}

// ReadCopy reads the header of raw, the copy of a mail of ours. The recipients
// are those of its envelope, where the copy carries them, or else those in To,
// Cc and Bcc. Our own addresses are left out: the one that the copy itself went
// to is among them. The error says why raw is no such copy: without a
// Message-ID, without any recipient, or sent by others.
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
	named := 0
	for _, fields := range [][]string{envelopeFields[:], {"To", "Cc", "Bcc"}} {
		all, others := p.foreign(h, fields)
		if len(others) > 0 {
			c.Recipients = others
			return c, nil
		}
		named += all
	}
	if named == 0 {
		return c, errors.New("it names no recipient")
	}
	return c, nil
}

// foreign returns the addresses in fields that are not ours, and how many there
// are in all.
func (p *parser) foreign(h mime.Header, fields []string) (all int, others []string) {
	for _, field := range fields {
		for _, value := range h.All(field) {
			for _, a := range mime.Addresses(value) {
				if all++; !p.own(a) && len(others) < p.limits.Recipients {
					others = append(others, a)
				}
			}
		}
	}
	return all, others
}

// ours tells whether addr is an address of our own domains.
func (p *parser) ours(addr string) bool {
	_, domain, ok := cutAddress(addr)
	return ok && p.ownDomain(domain)
}
