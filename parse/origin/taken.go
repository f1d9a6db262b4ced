package origin

import (
	"net/netip"
	"slices"
	"strings"

	"harvester/parse/mime"
)

// Taken tells whether a server of ours took the mail with the header h from
// outside, from nobody who signed in. Such a mail is nobody's of ours, whatever
// its header says, and to return it proves nothing: who sent it chose the address
// that it came back to, the one that it names, and the one that failed.
func Taken(h mime.Header, t *Trust) bool {
	return t != nil && t.shows(h, func(line hop) bool { return line.public(t.Networks) && !line.signedIn() })
}

// public tells whether the line shows an address of the Internet that is in none
// of our networks.
func (h hop) public(networks []netip.Prefix) bool {
	return h.elsewhere(networks) && slices.ContainsFunc(h.ips, func(ip netip.Addr) bool {
		return !ip.IsLoopback() && !ip.IsPrivate() && !ip.IsLinkLocalUnicast() && !ip.IsUnspecified()
	})
}

// signedIn tells whether the line says that the client did: by the protocol (RFC
// 3848), or in the words of Postfix and sendmail.
func (h hop) signedIn() bool {
	switch strings.TrimPrefix(h.with, "utf8") {
	case "esmtpa", "esmtpsa", "smtpa", "smtpsa", "lmtpa", "lmtpsa":
		return true
	}
	return slices.ContainsFunc(h.comments, func(c string) bool {
		return strings.HasPrefix(c, "authenticated sender:") || strings.HasPrefix(c, "authenticated bits=")
	})
}
