// Package view is one mail as its readers see it: the tree decoded once, the
// human-readable text, the machine-readable reports and the header of the
// mail that came back. The readers of dialects, automatic answers and
// complaints all work on it and never touch bytes.
package view

import (
	"harvester/parse/arf"
	"harvester/parse/dsn"
	"harvester/parse/mime"
)

// Mail is one mail, decoded.
type Mail struct {
	Root   *mime.Part
	Header mime.Header

	From       string // address only, as written; "" when there is none
	FromName   string // display name, decoded
	To         string // the first address of To
	Subject    string // decoded (RFC 2047), blanks folded
	ReturnPath string // "<>" for the null path, "" when there is no such field, else the address

	// Text is the human-readable part: the first text/plain, else HTML as
	// text, in UTF-8 with LF line ends and its leading blanks. It may run on
	// into a returned message where a layout puts both into one part.
	Text string
	// HTML tells that Text was made from HTML.
	HTML bool

	Report   *dsn.Report // nil when no delivery-status part stands at the top
	Feedback *arf.Report // nil when no feedback-report part stands at the top
	Receipt  mime.Header // the fields of a message/disposition-notification part (RFC 8098), else nil
	Original *Original   // nil when nothing came back

	Notes []string
}

// Original is the returned mail; only its header block is ever read.
type Original struct {
	Header mime.Header
	// Raw begins with the header block as it came back, transfer encoding undone,
	// for who verifies a signature on it. The rest may follow.
	Raw []byte
}

// FromDaemon tells whether the returned mail is a notice of a mail system
// itself, which failed on its way to who had sent something.
func (o *Original) FromDaemon() bool {
	v := o.Header.Get("From")
	from, name := mime.Address(v)
	return isDaemon(from) || from == "" && (isDaemon(name) || isDaemon(angled(v)))
}

// Daemon tells whether the sender looks like a mail system: a null return
// path or a mailer-daemon address. It supports other signs and proves nothing
// by itself, since vacation mails have a null path too.
func (m *Mail) Daemon() bool {
	return m.ReturnPath == "<>" || m.FromDaemon()
}

// FromDaemon tells whether the mail is written in the name of a mail system.
func (m *Mail) FromDaemon() bool {
	return isDaemon(m.From) || m.From == "" && (isDaemon(m.FromName) || isDaemon(angled(m.Header.Get("From"))))
}
