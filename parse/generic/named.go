package generic

import (
	"strings"

	"harvester/parse/notice"
)

// NamesOnly says whom a notice names that names no recipient: "its sender", that
// is us, "who helps", or both; "" where it names nobody, or somebody else, who may
// have failed. It reads the text once.
func NamesOnly(text string, own func(addr string) bool) string {
	us, helper := false, false
	for rest := text; ; {
		at := strings.IndexByte(rest, '@')
		if at < 0 {
			break
		}
		from := at
		for from > 0 && notice.IsLocal(rest[from-1]) {
			from--
		}
		addr, n := notice.ScanAddress(rest[from:])
		switch {
		case n == 0:
			n = at + 1 - from
		case own(addr):
			us = true
		case notice.Contact(addr) || helps(addr):
			helper = true
		default:
			return ""
		}
		rest = rest[from+n:]
	}
	switch {
	case us && helper:
		return "its sender and who helps"
	case us:
		return "its sender"
	case helper:
		return "who helps"
	}
	return ""
}

// helps tells of more names than contact, which a list of failed recipients can
// hold: where nobody else is named they are those of helpers.
func helps(addr string) bool {
	local, _, _ := strings.Cut(strings.ToLower(addr), "@")
	switch local {
	case "support", "help", "helpdesk", "admin", "administrator", "service", "servicedesk", "mailmaster", "security", "webmaster", "root", "info", "mailer-daemon":
		return true
	}
	return false
}
