package resolve

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// Name is a host name as DNS is asked for it, with its final dot, or the
// problem with it. Letters, digits, hyphen and underscore may stand in it:
// what a mail or a record names beyond them is never asked.
func Name(name string) (fqdn, problem string) {
	bare := strings.TrimSuffix(name, ".")
	switch {
	case bare == "":
		return name, "it is no host name"
	case len(bare) > 253:
		return name[:64], fmt.Sprintf("the name has %d bytes, more than DNS allows", len(bare))
	}
	for label := range strings.SplitSeq(bare, ".") {
		if len(label) == 0 || len(label) > 63 {
			return name, "it is no host name"
		}
		for i := range len(label) {
			c := label[i]
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return name, "it is no host name"
			}
		}
	}
	return bare + ".", ""
}

// Reverse is the name below in-addr.arpa or ip6.arpa of an address.
func Reverse(ip netip.Addr) string {
	name, err := dns.ReverseAddr(ip.Unmap().String())
	if err != nil {
		return ""
	}
	return name
}

// Below is the name that a blocklist is asked for an address (RFC 5782 §2.1).
func Below(ip netip.Addr, zone string) string {
	name := Reverse(ip)
	name = strings.TrimSuffix(strings.TrimSuffix(name, "in-addr.arpa."), "ip6.arpa.")
	return name + zone
}
