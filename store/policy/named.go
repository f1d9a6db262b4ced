package policy

import (
	"net/netip"
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
	for at := 0; at < len(text); {
		from, to := nextIP(text, at)
		if from < 0 {
			break
		}
		at = to
		word := strings.Trim(text[from:to], ".")
		ip, err := netip.ParseAddr(strings.TrimRight(word, ":"))
		if err != nil || ip.IsLoopback() || ip.IsUnspecified() || strings.Count(word, ":") == 1 {
			continue
		}
		if !refuser(text, from, to, ip, remote) && accused(text, from, to) {
			return ip
		}
	}
	return netip.Addr{}
}

func inIP(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c == '.' || c == ':'
}

// nextIP finds the next run of characters that can be an address.
func nextIP(text string, at int) (from, to int) {
	for ; at < len(text); at++ {
		if inIP(text[at]) {
			for to = at; to < len(text) && inIP(text[to]); {
				to++
			}
			return at, to
		}
	}
	return -1, -1
}

// refuser tells whether an address is that of the host that refused: it stands
// in its name, or in brackets behind a host name that is the refusing one or
// that something follows which it said.
func refuser(text string, from, to int, ip netip.Addr, remote string) bool {
	for at := 0; ; {
		a, b := nextIP(remote, at)
		if a < 0 {
			break
		}
		at = b
		if other, err := netip.ParseAddr(strings.Trim(remote[a:b], ".")); err == nil && other == ip {
			return true
		}
	}
	if strings.HasSuffix(text[:from], "//") {
		return true // a page of his, or of the list that he asks
	}
	before := strings.TrimRight(text[:from], " ")
	if !strings.HasSuffix(before, "[") && !strings.HasSuffix(before, "(") {
		return false
	}
	host := strings.TrimRight(before[:len(before)-1], " ")
	host = host[strings.LastIndexAny(host, " \t\n(<[;,:")+1:]
	if !strings.Contains(host, ".") {
		return false
	}
	after := strings.TrimLeft(text[to:], "]) ")
	for _, said := range [...]string{"said", ":", "refused", "while", "did not", "dropped", "lost connection", "timed out"} {
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

// accused tells whether the clause that an address stands in speaks of who sent.
func accused(text string, from, to int) bool {
	begin := max(strings.LastIndexAny(text[:from], ";\n"), strings.LastIndex(text[:from], ". ")) + 1
	end := len(text)
	for _, stop := range [...]string{";", "\n", ". "} {
		if i := strings.Index(text[to:], stop); i >= 0 {
			end = min(end, to+i)
		}
	}
	return hasWord(text[begin:from], accusing) || hasWord(text[to:end], accusing)
}
