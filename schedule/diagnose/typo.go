package diagnose

import (
	"slices"
	"strings"
)

// great are the providers whose names are mistyped most.
var great = []string{"gmail.com", "googlemail.com", "yahoo.com", "yahoo.co.uk", "yahoo.fr", "yahoo.de", "hotmail.com", "hotmail.co.uk", "hotmail.fr", "outlook.com",

	"live.com", "msn.com", "icloud.com", "me.com", "aol.com", "gmx.de", "gmx.net", "gmx.at", "web.de", "t-online.de", "freenet.de", "mail.ru", "yandex.ru", "orange.fr",
	"wanadoo.fr", "laposte.net", "free.fr", "sfr.fr", "libero.it", "virgilio.it", "comcast.net", "verizon.net", "att.net", "btinternet.com", "protonmail.com", "proton.me", "qq.com", "163.com", "naver.com"}

// Typo is the great provider that a domain is one slip away from, "" for none:
// a letter too many, too few, another or swapped, a missing dot, a wrong end.
func Typo(domain string) string {
	domain = canonical(domain)
	if slices.Contains(great, domain) {
		return ""
	}
	for _, g := range great {
		name, end, _ := strings.Cut(g, ".")
		if domain == name+end || oneSlip(domain, g) && len(name) > 3 {
			return g
		}
		if rest, ok := strings.CutPrefix(domain, name+"."); ok && end == "com" && slices.Contains([]string{"con", "cmo", "co", "cm", "comm", "om", "vom", "xom", "coom", "ocm"}, rest) {
			return g
		}
	}
	return ""
}

// oneSlip tells whether two words differ by one letter, or by two that are
// swapped.
func oneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i == len(a) {
		return false
	}
	return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
