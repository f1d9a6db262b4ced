// Package envelope takes return paths apart: who was mailed (VERP), what a
// forwarder made of the address (SRS), what a sender signed (BATV). All of it
// is text, without clock or network.
package envelope

import "strings"

// Plain undoes what systems on the way wrap around an address, layer by layer,
// and returns the address inside. An address that nobody wrapped comes back as
// it is.
//
//   - BATV (draft-levine-smtp-batv): prvs=KDDDSSSSSS=local@domain, and the
//     older order prvs=local=KDDDSSSSSS@domain
//   - SRS (http://www.open-spf.org/srs/): SRS0=HHH=TT=domain=local@forwarder,
//     SRS1=HHH=forwarder==HHH=TT=domain=local@second, each "=" behind the
//     keyword also as "+" or "-"
//   - Microsoft 365: anything+SRS=HHHHH=TT=domain=local@forwarder
func Plain(addr string) string {
	for range 4 { // nobody is forwarded more often with a wrapping each time
		inner, ok := unwrap(addr)
		if !ok {
			return addr
		}
		addr = inner
	}
	return addr
}

func unwrap(addr string) (string, bool) {
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return "", false
	}
	if _, plain, ok := cutTag(addr); ok {
		return plain, true
	}
	local := addr[:at]
	if rest, ok := cutSRS(local, "SRS0"); ok {
		return srs0(rest)
	}
	if rest, ok := cutSRS(local, "SRS1"); ok {
		// HHH=forwarder=(=|+|-)HHH=TT=domain=local
		f := strings.SplitN(rest, "=", 3)
		if len(f) == 3 && f[2] != "" {
			return srs0(f[2][1:])
		}
		return "", false
	}
	if i := strings.Index(strings.ToUpper(local), "+SRS="); i >= 0 {
		return srs0(local[i+len("+SRS="):])
	}
	return "", false
}

// srs0 reads HHH=TT=domain=local.
func srs0(s string) (string, bool) {
	f := strings.SplitN(s, "=", 4)
	if len(f) != 4 || f[2] == "" || f[3] == "" || !strings.Contains(f[2], ".") {
		return "", false
	}
	return f[3] + "@" + f[2], true
}

func cutSRS(local, keyword string) (string, bool) {
	rest, ok := cutFold(local, keyword)
	if !ok || rest == "" || strings.IndexByte("=+-", rest[0]) < 0 {
		return "", false
	}
	return rest[1:], true
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

// isTag tells whether s is a BATV tag-val of the simple scheme: KDDDSSSSSS.
func isTag(s string) bool {
	if len(s) != 10 {
		return false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if !(s[i] >= '0' && s[i] <= '9' || i >= 4 && c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}
