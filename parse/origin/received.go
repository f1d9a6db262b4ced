package origin

import (
	"net/netip"
	"slices"
	"strings"
)

// hop is one Received line.
type hop struct {
	from     string // the name that was claimed, lower case; "" when the clause is missing
	by       string // the host that wrote the line, lower case
	with     string // protocol, lower case
	ips      []netip.Addr
	comments []string
	local    bool // OpenSMTPD's [local]
}

// maxReceived bounds a line; the rest is not looked at.
const maxReceived = 4 << 10

func readHop(value string) (h hop) {
	value = value[:min(len(value), maxReceived)]
	clause := ""
	for i, w := range scan(value) {
		if w.comment {
			h.comments = append(h.comments, strings.ToLower(w.text))
			if clause == "from" {
				h.addresses(w.text)
			}
			continue
		}
		text := strings.ToLower(strings.TrimSuffix(w.text, ";"))
		switch {
		case i == 1 && clause == "from": // whatever he greeted with, "by" and "id" too
			h.from = text
			h.addresses(w.text)
			continue
		case i == 0 && text == "from", text == "by" && h.by == "", text == "with" && h.by != "" && h.with == "", text == "id", text == "for", text == "via":
			clause = text
			continue
		case clause == "from":
			h.addresses(w.text)
		case clause == "by" && h.by == "":
			h.by = strings.TrimSuffix(text, ".")
		case clause == "with" && h.with == "":
			h.with = text
		}
		if h.by != "" && strings.HasSuffix(w.text, ";") {
			break // the date
		}
	}
	return h
}

// addresses finds the IP addresses of a from clause.
func (h *hop) addresses(text string) {
	for _, f := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t()[],;=", r) }) {
		if len(f) > 5 && strings.EqualFold(f[:5], "ipv6:") {
			f = f[5:]
		}
		if strings.EqualFold(f, "local") || strings.EqualFold(f, "unix") {
			h.local = true
		}
		if host, _, ok := strings.Cut(f, ":"); ok && strings.Count(f, ":") == 1 {
			f = host // Exim writes a port
		}
		if ip, err := netip.ParseAddr(f); err == nil && len(h.ips) < 8 {
			h.ips = append(h.ips, ip.Unmap())
		}
	}
}

// eximUsers are whom Exim runs as when it writes a notice to itself.
var eximUsers = []string{"debian-exim", "exim", "mail", "mailnull", "eximuser", "mailn"}

// written tells whether the line says that its host made the mail itself.
func (h hop) written() bool {
	switch {
	case h.from == "" && h.with == "":
		// Postfix: "by mx.example.org (Postfix) id 4XYZ". A program that called
		// sendmail is named: "(Postfix, from userid 33)".
		for _, c := range h.comments {
			if strings.Contains(c, "userid") || strings.Contains(c, "invoked") {
				return false
			}
		}
		return true
	case h.from == "localhost" && h.with == "" && len(h.ips) == 0:
		// sendmail: "from localhost (localhost) by mx.example.org (8.17.1/8.17.1)"
		return len(h.comments) > 0 && h.comments[0] == "localhost"
	case h.from == "mailer-daemon" && h.with == "" && len(h.ips) == 0:
		// dma: "from MAILER-DAEMON id ac42b7 by mx.example.org (DragonFly Mail Agent v0.13)";
		// what a user hands over names him, and his number.
		return len(h.comments) == 1 && strings.HasPrefix(h.comments[0], "dragonfly mail agent")
	case h.with == "local":
		// Exim: "from Debian-exim by mx.example.org with local (Exim 4.96)"
		for _, u := range eximUsers {
			if h.from == u {
				return true
			}
		}
		return false
	}
	// QUIRK: OpenSMTPD 6.8 writes the same line for what a program on its host
	// hands over and for its own notices.
	return h.local && len(h.ips) == 0 && h.from == h.by
}

// program tells whether the line says that a program on its host handed the mail
// over.
func (h hop) program() bool {
	return (h.from == "" && h.with == "" || h.with == "local") && len(h.ips) == 0 && !h.written()
}

// within tells whether the line shows a hop inside of our own system: local
// delivery (LMTP, RFC 2033), or from a configured network.
func (h hop) within(networks []netip.Prefix) bool {
	lmtp := h.lmtp()
	if len(h.ips) == 0 {
		return lmtp
	}
	for _, ip := range h.ips {
		inside := lmtp && (ip.IsLoopback() || ip.IsPrivate())
		for _, n := range networks {
			inside = inside || n.Contains(ip)
		}
		if !inside {
			return false
		}
	}
	return true
}

// elsewhere tells whether the line shows an address that is in none of our
// networks. A private one may be a gateway's, behind which anybody is.
func (h hop) elsewhere(networks []netip.Prefix) bool {
	return slices.ContainsFunc(h.ips, func(ip netip.Addr) bool {
		return !slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(ip) })
	})
}

// lookedUp is the name that the server found for the address, and for which it
// found that address: "(mx.example.org [192.0.2.1])" of Postfix and sendmail.
func (h hop) lookedUp() string {
	for _, c := range h.comments {
		name, rest, ok := strings.Cut(c, " ")
		if ok && strings.HasPrefix(rest, "[") && !strings.Contains(rest, "forged") {
			return strings.TrimSuffix(name, ".")
		}
	}
	return ""
}

func (h hop) lmtp() bool {
	return strings.HasPrefix(strings.TrimPrefix(h.with, "utf8"), "lmtp")
}
