package imap

import (
	"context"

	"github.com/emersion/go-imap/v2"
)

// implied is what a server of IMAP4rev2 can do without listing it, as far as it
// is made use of here (RFC 9051 appendix E).
var implied = []imap.Cap{
	imap.CapESearch, imap.CapIdle, imap.CapMove, imap.CapNamespace, imap.CapUIDPlus, imap.CapSASLIR, imap.CapEnable, imap.CapLiteralMinus,
}

// caps are the capabilities, nil when the connection broke. It may ask for them,
// in the bounds of the command that it is called in.
//
// QUIRK: go-imap v2.0.0-beta.8 takes a server that lists IMAP4rev2 beside
// IMAP4rev1 (Cyrus 3.12.4, mox) for one that speaks it unasked and sends names
// in raw UTF-8, which Cyrus refuses before ENABLE; and in the other mode it
// takes names with an & for modified UTF-7. So IMAP4rev2 is hidden from it, in
// the set that it hands out and uses.
func (s *session) caps() imap.CapSet {
	caps := s.client.Caps()
	if _, listed := caps[imap.CapIMAP4rev2]; !listed {
		return caps
	}
	for _, c := range implied {
		caps[c] = struct{}{}
	}
	delete(caps, imap.CapIMAP4rev2)
	caps[imap.CapIMAP4rev1] = struct{}{}
	return caps
}

// has asks for the capabilities in the bounds of a command: after a sign-in
// that didn't tell them, go-imap requests them now.
func (s *session) has(ctx context.Context, capability imap.Cap) bool {
	has := false
	_ = s.do(ctx, "asking for capabilities", func() error { // a failure shows in the next command
		has = s.caps().Has(capability)
		return nil
	})
	return has
}

// Capabilities names what the server offers of what is made use of here: IDLE
// (RFC 2177), MOVE (RFC 6851), UIDPLUS (RFC 4315).
func (s *session) Capabilities(ctx context.Context) []string {
	var offered []string
	for _, c := range []imap.Cap{imap.CapIdle, imap.CapMove, imap.CapUIDPlus} {
		if s.has(ctx, c) {
			offered = append(offered, string(c))
		}
	}
	return offered
}
