package policy

import (
	"net/netip"
	"strconv"
	"strings"
)

// Named returns the IP address of ours that a reply text names: with a sender's
// fault, the one that sent. It is invalid when there is none. remote is the host
// that refused, as the notice names it.
//
// It is ours only where the words around it say so, and never where it is the
// refusing host's own: programs write "host mx.example.net[203.0.113.5] said"
// before the reply. Loopback addresses are passed over: lists answer with them.
func Named(diagnostic, remote string) netip.Addr {
	text := strings.ToLower(diagnostic)
	remote = strings.ToLower(remote)
	for at := 0; ; {
		x, ok := nextIP(text, at)
		if !ok {
			return netip.Addr{}
		}
		at = x.to
		if !x.ip.IsLoopback() && !x.ip.IsUnspecified() && !refuser(text, x, remote) && accused(text, x) {
			return x.ip
		}
	}
}

// writtenIP is an address as it stands in a text.
type writtenIP struct {
	ip       netip.Addr
	port     string // "" for none
	from, to int    // to is behind the port
}

// nextIP finds the next address in a text of lower case: bare, in brackets, as
// "ipv6:ADDRESS" or "ip:ADDRESS", before a colon, with a port. What is part of a
// name (25.2.0.192.list.example.net) or a network (192.0.2.0/24) is none.
func nextIP(text string, at int) (writtenIP, bool) {
	for at < len(text) {
		if !inName(text[at]) {
			at++
			continue
		}
		from := at
		for at < len(text) && inName(text[at]) {
			at++
		}
		if x, ok := addressIn(text, from, at); ok {
			return x, true
		}
	}
	return writtenIP{}, false
}

func inName(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '.' || c == ':' || c == '-' || c == '_'
}

// addressIn reads the address that text[from:to] is, or ends in behind a colon.
func addressIn(text string, from, to int) (x writtenIP, ok bool) {
	if to-from > 4 && text[from+3] == '-' && replyCode(text[from:]) { // the line of a reply: "550-192.0.2.1 is listed"
		from += 4
	}
	for word := text[from:to]; word != ""; {
		bare := strings.TrimRight(word, ".-_")
		if cut, found := strings.CutSuffix(bare, ":"); found && (!strings.HasSuffix(cut, ":") || strings.HasSuffix(cut, "::")) {
			bare = cut
		}
		x = writtenIP{from: from, to: from + len(bare)}
		if host, port, found := strings.Cut(bare, ":"); found && isPort(port) {
			if x.ip, _ = netip.ParseAddr(host); x.ip.Is4() {
				x.port = port
			}
		}
		if x.port == "" {
			x.ip, _ = netip.ParseAddr(bare)
			behind := text[x.to:]
			for _, before := range [...]string{"]:", " port "} {
				if rest, found := strings.CutPrefix(behind, before); found && x.ip.IsValid() {
					n := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
					if isPort(rest[:n]) {
						x.port, x.to = rest[:n], x.to+len(before)+n
					}
				}
			}
		}
		if x.ip.IsValid() {
			x.ip = x.ip.Unmap()
			return x, !strings.HasPrefix(text[x.to:], "/") || !partial(text[x.to+1:], x.ip.BitLen())
		}
		_, rest, found := strings.Cut(word, ":")
		if !found || strings.HasPrefix(rest, ":") { // "Net::Address"
			return x, false
		}
		from, word = to-len(rest), rest
	}
	return x, false
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// partial tells whether text begins with the length of a network that is more
// than one address.
func partial(text string, bits int) bool {
	n := len(text) - len(strings.TrimLeft(text, "0123456789"))
	length, err := strconv.Atoi(text[:n])
	return err == nil && length < bits
}

func replyCode(s string) bool {
	return len(s) >= 3 && (s[0] == '4' || s[0] == '5') && s[1] >= '0' && s[1] <= '9' && s[2] >= '0' && s[2] <= '9'
}

// refuser tells whether an address is that of the host that refused: it stands
// in its name, has a mail server's port, or words follow that it said.
func refuser(text string, x writtenIP, remote string) bool {
	for at := 0; ; {
		other, ok := nextIP(remote, at)
		if !ok {
			break
		}
		at = other.to
		if other.ip == x.ip {
			return true
		}
	}
	switch x.port {
	case "24", "25", "465", "587", "2525":
		return true
	}
	if strings.HasSuffix(text[:x.from], "//") {
		return true // a page of his, or of the list that he asks
	}
	after := strings.TrimLeft(text[x.to:], "]) ")
	before := strings.TrimRight(text[:x.from], " ")
	host := ""
	if strings.HasSuffix(before, "[") || strings.HasSuffix(before, "(") {
		before = strings.TrimRight(before[:len(before)-1], " ")
		host = before[strings.LastIndexAny(before, " \t\n(<[;,:")+1:]
		before = strings.TrimRight(before[:len(before)-len(host)], " ")
	}
	if said, ok := strings.CutPrefix(after, ":"); strings.HasPrefix(after, "said") || ok && replyCode(strings.TrimLeft(said, " ")) {
		return !strings.HasSuffix(before, " from") // "RCPT from unknown[192.0.2.1]: 554"
	}
	if !strings.Contains(host, ".") || strings.Trim(host, "0123456789.-") == "" { // "550 5.7.26 [192.0.2.1]:"
		return false
	}
	for _, said := range [...]string{":", "refused", "while", "did not", "dropped", "lost connection", "timed out"} {
		if strings.HasPrefix(after, said) {
			return true
		}
	}
	return remote != "" && strings.Contains(remote, host)
}

// accusing are words beside an address of the one that sent.
var accusing = []string{"client", "your", "you", "sender", "sending", "sent", "connect", "source", "ip", "ips", "address", "listed", "blocked", "block", "blocklist", "blocklisted",
	"blacklist", "blacklisted", "dnsbl", "rbl", "banned", "bad", "reputation", "spf", "ptr", "rdns", "reverse", "authorized", "authorised", "permitted", "allowed", "relay", "from",
	"host", "our system", "spam", "rejected", "refused", "denied", "hostname", "helo", "ehlo", "dns", "found", "query", "lookup"}

// accused tells whether the clause that an address stands in speaks of who sent,
// or the reply begins with the address and a colon: "550 5.7.26 192.0.2.1: ...".
func accused(text string, x writtenIP) bool {
	if codes := strings.TrimRight(text[:x.from], " [(<"); replyCode(codes) && strings.Trim(codes, "0123456789.- #") == "" &&
		strings.HasPrefix(strings.TrimLeft(text[x.to:], "])>"), ":") {
		return true
	}
	begin := max(strings.LastIndexAny(text[:x.from], ";\n"), strings.LastIndex(text[:x.from], ". ")) + 1
	end := len(text)
	for _, stop := range [...]string{";", "\n", ". "} {
		if i := strings.Index(text[x.to:], stop); i >= 0 {
			end = min(end, x.to+i)
		}
	}
	return hasWord(text[begin:x.from], accusing) || hasWord(text[x.to:end], accusing)
}
