package export

import (
	"strings"

	"harvester/store"
	"harvester/store/policy"
)

func rspamdProfile() Profile {
	return Profile{
		Name:     "rspamd",
		For:      "rspamd, multimap of type rcpt",
		Shape:    "one address a line, in double quotes where it holds #",
		Import:   "In local.d/multimap.conf: HARVESTER { type = \"rcpt\"; map = \"FILE\"; prefilter = true; action = \"reject\"; }. rspamd reads a changed file by itself.",
		Removal:  "An address that may be mailed again is absent from the next file.",
		Evidence: "docs.rspamd.com, multimap",
		Loses:    []string{"every reason", "addresses with a quoted local part can't be looked up"},
		form: form{
			refuse: refuseAny(refuseQuoted, refuseBlank),
			row: func(b []byte, e *store.Suppression, name string) []byte {
				b = appendRspamd(b, name)
				if u := unicodeForm(name); u != name {
					b = appendRspamd(b, u)
				}
				return b
			},
			name: byKey, spelling: keySpelling + ", and once more with the domain in Unicode where that differs",
			read: readLines(func(line string) (string, bool, error) {
				if key, ok := strings.CutPrefix(line, `"`); ok {
					line, _, _ = strings.Cut(key, `"`)
				} else {
					line, _, _ = strings.Cut(line, "#")
				}
				line = strings.TrimSpace(line)
				return policy.Key(line), line != "", nil
			}),
		},
	}
}

func appendRspamd(b []byte, key string) []byte {
	if strings.Contains(key, "#") {
		b = append(append(append(b, '"'), key...), '"')
	} else {
		b = append(b, key...)
	}
	return append(b, '\n')
}

// kumomtaProfile writes nothing: KumoMTA reads the database itself.
func kumomtaProfile() Profile {
	return Profile{
		Name:     "kumomta",
		For:      "KumoMTA, refusing recipients",
		Shape:    "no file: its policy reads the view \"suppressed\" of the database",
		Import:   "see docs/kumomta.md for the few lines of Lua",
		Removal:  "At once: the view is always what holds now.",
		Evidence: "unverified: read from the documentation of KumoMTA's sqlite module (2026-08)",
	}
}
