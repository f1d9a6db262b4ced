package export

import (
	"harvester/store/query"
	"strings"
)

func cloudflareProfile() Profile {
	return Profile{
		Name:     "cloudflare",
		For:      "Cloudflare Email Service, suppressions",
		Shape:    "CSV without header: address, the time at which it expires, scope; what stands last and is empty is left out",
		Import:   "Email > Suppressions > Import, as .csv. The third column is written as the key scope of the export says, in the words of the import page; without it the page's own default holds.",
		Removal:  "Entries with a time expire by themselves; the others by hand.",
		Evidence: "developers.cloudflare.com/email-service/configuration/suppressions (address, RFC 3339 time, scope); unverified: never tried against the service",
		Loses:    []string{"every reason"},
		form: form{
			row: cloudflareRow(""), scoped: cloudflareRow,
			name: byKey, spelling: keySpelling, read: readCSV(csvReader{loose: true}),
		},
	}
}

func cloudflareRow(scope string) func(b []byte, e *query.Suppression, name string) []byte {
	return func(b []byte, e *query.Suppression, name string) []byte {
		b = appendCSV(b, name)
		if !e.Expires.IsZero() || scope != "" {
			b = appendTime(append(b, ','), e.Expires)
		}
		if scope != "" {
			b = appendCSV(append(b, ','), scope)
		}
		return append(b, '\n')
	}
}

// oneALine is the shape of list managers that take bare addresses.
func oneALine(fold func(string) string, refuse func(*query.Suppression) string, read func(string) (string, bool, error)) form {
	return form{
		refuse:      refuse,
		addressOnly: true,
		row:         bareLine,
		name:        byKey, spelling: keySpelling, fold: fold, read: readLines(read),
	}
}

func phplistProfile() Profile {
	return Profile{
		Name:     "phplist",
		For:      "phpList, suppression list",
		Shape:    "one address a line, no header",
		Import:   "As super administrator: Manage suppression list, paste, tick \"Make suppression permanent\".",
		Removal:  "By hand on the same page.",
		Evidence: "source of phpList 3, suppressionlist.php",
		Loses:    addressOnly,
		form:     oneALine(foldMarks, nil, wholeLine),
	}
}

func mailmanProfile() Profile {
	return Profile{
		Name:     "mailman",
		For:      "GNU Mailman 3, removing members",
		Shape:    "one address a line, no header",
		Import:   "mailman delmembers -f FILE -l LIST, once per list. Mailman has no list of suppressed addresses: somebody may subscribe them again.",
		Removal:  "Nothing to lift: subscribe the address again.",
		Evidence: "unverified: the option -f of mailman delmembers in newer releases",
		Loses:    addressOnly,
		form: oneALine(foldLower, refuseAny(refuseHash, refuseBlank), func(line string) (string, bool, error) {
			return line, line != "" && line[0] != '#', nil
		}),
	}
}

func sympaProfile() Profile {
	return Profile{
		Name:     "sympa",
		For:      "Sympa, removing subscribers",
		Shape:    "one address a line, no header",
		Import:   "sympa del LIST@DOMAIN < FILE, once per list. Sympa's blocklist.txt is about senders, not about this.",
		Removal:  "Nothing to lift: subscribe the address again.",
		Evidence: "source of sympa-community/sympa (2026-08)",
		Loses:    addressOnly,
		form: oneALine(foldLower, func(e *query.Suppression) string {
			if strings.Contains(e.Key, "#") {
				return "holds #, which the target takes for a comment"
			}
			return refuseBlank(e)
		}, func(line string) (string, bool, error) {
			words := strings.Fields(line)
			if len(words) == 0 || strings.HasPrefix(words[0], "#") {
				return "", false, nil
			}
			return words[0], true, nil
		}),
	}
}

func refuseBlank(e *query.Suppression) string {
	if strings.ContainsAny(e.Key, " \t") {
		return "holds a blank, at which the target ends the address"
	}
	return ""
}
