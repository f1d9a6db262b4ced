package export

import (
	"fmt"
	"strings"

	"harvester/store"
	"harvester/store/policy"
)

func eximProfile() Profile {
	return Profile{
		Name:  "exim",
		For:   "Exim, refusing recipients",
		Shape: "lsearch file: address: text",
		Import: "In acl_smtp_rcpt, before anything accepts: deny recipients = lsearch;FILE and message = suppressed. For mail handed in locally: the same in acl_not_smtp, or a redirect router with :fail:. " +
			"For a long list build a cdb from it.",
		Removal:  "An address that may be mailed again is absent from the next file.",
		Evidence: "exim.org, specification chapter 9 (lsearch); tried with Exim 4.96",
		Loses:    []string{"addresses with a quoted local part can't be looked up"},
		form: form{
			refuse: refuseQuoted,
			row: func(b []byte, e *store.Suppression, name string) []byte {
				b = appendExim(b, name, e)
				if u := unicodeForm(name); u != name {
					b = appendExim(b, u, e)
				}
				return b
			},
			name: byKey, spelling: keySpelling + ", and once more with the domain in Unicode where that differs",
			read: readLines(func(line string) (string, bool, error) {
				if line == "" || line[0] == '#' {
					return "", false, nil
				}
				key, err := eximKey(line)
				return policy.Key(key), err == nil, err
			}),
		},
	}
}

func appendExim(b []byte, key string, e *store.Suppression) []byte {
	if strings.ContainsAny(key, "#: \t\"\\") {
		key = `"` + strings.ReplaceAll(strings.ReplaceAll(key, `\`, `\\`), `"`, `\"`) + `"`
	}
	return append(append(append(append(b, key...), ": "...), Why(e)...), '\n')
}

// eximKey reads the key of an lsearch line: up to a colon or white space, or
// between double quotes, inside which the backslash escapes.
func eximKey(line string) (string, error) {
	if line[0] != '"' {
		if i := strings.IndexAny(line, ": \t"); i > 0 {
			return line[:i], nil
		}
		return "", fmt.Errorf("has no key")
	}
	var b strings.Builder
	for i := 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			if i++; i == len(line) {
				return "", fmt.Errorf("a key without end")
			}
		case '"':
			return b.String(), nil
		}
		b.WriteByte(line[i])
	}
	return "", fmt.Errorf("a key without end")
}
