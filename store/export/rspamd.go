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
		Evidence: "docs.rspamd.com, multimap; tried with rspamd 3.4",
		Loses:    []string{"every reason", "rspamd 3.4 does not find recipients that are not ASCII (SMTPUTF8)", "a suppressed user@domain also blocks user+anything@domain; addresses with a tag are skipped", "addresses with a quoted local part can't be looked up"},
		form: form{
			refuse: refuseAny(refuseQuoted, refuseBlank, refuseTag),
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

// QUIRK: rspamd's own rules (TAGGED_RCPT, 3.4) take the tag off a recipient
// before maps are asked.
func refuseTag(e *store.Suppression) string {
	if at := strings.LastIndexByte(e.Key, '@'); strings.IndexByte(e.Key[:at], '+') > 0 {
		return "has a +tag, which rspamd takes off before it looks the address up"
	}
	return ""
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
