package export

import (
	"harvester/store/query"
	"strings"
)

func rspamdProfile() Profile {
	return Profile{
		Name:     "rspamd",
		For:      "rspamd, multimap of type rcpt",
		Shape:    "one address a line, in double quotes where it holds #",
		Import:   "In local.d/multimap.conf: HARVESTER { type = \"rcpt\"; map = \"FILE\"; prefilter = true; action = \"reject\"; }. rspamd reads a changed file by itself.",
		Removal:  "An address that may be mailed again is absent from the next file.",
		Evidence: "docs.rspamd.com, multimap; tried with rspamd 3.4",
		Loses:    []string{"every reason", "rspamd 3.4 finds no recipient that is not ASCII (SMTPUTF8), nor one whose dots are not between letters (a..b@)", "a suppressed user@domain also blocks user+anything@domain; addresses with a tag are skipped", "addresses with a quoted local part can't be looked up"},
		form: form{
			refuse:      refuseAny(refuseQuoted, refuseBlank, refuseTag, refuseDots),
			row:         func(b []byte, _ *query.Suppression, name string) []byte { return appendRspamd(b, name) },
			addressOnly: true,
			name:        byKey, spelling: keySpelling, fold: foldOnlyASCII,
			read: readLines(func(line string) (string, bool, error) {
				if key, ok := strings.CutPrefix(line, `"`); ok {
					line, _, _ = strings.Cut(key, `"`)
				} else {
					line, _, _ = strings.Cut(line, "#")
				}
				line = strings.TrimSpace(line)
				return line, line != "", nil
			}),
		},
	}
}

// QUIRK: rspamd's own rules (TAGGED_RCPT, 3.4) take the tag off a recipient
// before maps are asked.
func refuseTag(e *query.Suppression) string {
	if at := strings.LastIndexByte(e.Key, '@'); strings.IndexByte(e.Key[:at], '+') > 0 {
		return "has a +tag, which rspamd takes off before it looks the address up"
	}
	return ""
}

// QUIRK: rspamd 3.4 reads no recipient whose local part is no dot-atom
// (RFC 5322), so that it has none to look up.
func refuseDots(e *query.Suppression) string {
	local := e.Key[:strings.LastIndexByte(e.Key, '@')]
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return "has a dot too many in its local part, which the target does not read"
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
