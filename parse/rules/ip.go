package rules

import (
	"bytes"
	"net/netip"
)

// touchesIP reports whether an IP address stands right before or right after
// the words f[at.start:at.end], brackets, commas and blanks passed over. A port
// or any other word between them parts them.
func touchesIP(f []byte, at span, before bool) bool {
	const between = " []()<>\"',"
	if before {
		head := bytes.TrimRight(f[:at.start], between)
		return isIP(head[bytes.LastIndexAny(head, between)+1:])
	}
	tail := bytes.TrimLeft(f[at.end:], between)
	if end := bytes.IndexAny(tail, between+";"); end >= 0 {
		tail = tail[:end]
	}
	return isIP(bytes.TrimRight(tail, ".:"))
}

func isIP(word []byte) bool {
	if len(word) < len("1.2.3.4") && bytes.Count(word, []byte(":")) < 2 || len(word) > 45 {
		return false
	}
	word = bytes.TrimPrefix(word, []byte("ipv6:"))
	_, err := netip.ParseAddr(string(word))
	return err == nil
}
