package export

import (
	"fmt"
	"harvester/store/query"
	"strconv"
	"strings"
)

// forGood is what stands for "never expires" in Postal: the year 2100.
const forGood = 4102444800

func postalProfile() Profile {
	const insert = "INSERT INTO suppressions (type, address, reason, timestamp, keep_until) VALUES ('recipient', '"
	return Profile{
		Name:     "postal",
		For:      "Postal, suppression list of one mail server",
		Shape:    "SQL for MariaDB: one transaction that replaces what an earlier file brought",
		Import:   "mariadb postal-server-ID < FILE. Suppressed mail is held, not bounced.",
		Removal:  "The next file: it first deletes every entry whose reason begins with \"harvester: \".",
		Evidence: "unverified: read from the source of postalserver/postal (2026-04), which has no import of its own",
		Loses:    []string{"Postal deletes an entry when a mail to it succeeds"},
		form: form{
			header: "START TRANSACTION;\nDELETE FROM suppressions WHERE reason LIKE 'harvester: %';\n", footer: "COMMIT;\n",
			row: func(b []byte, e *query.Suppression, name string) []byte {
				until := int64(forGood)
				if !e.Expires.IsZero() {
					until = e.Expires.Unix()
				}
				b = append(append(b, insert...), quoteSQL(name)...)
				b = append(append(b, "', 'harvester: "...), quoteSQL(Why(e))...)
				b = strconv.AppendInt(append(b, "', "...), e.Since.Unix(), 10)
				b = strconv.AppendInt(append(b, ", "...), until, 10)
				return append(b, ");\n"...)
			},
			name: byKey, spelling: keySpelling, fold: foldMarks,
			read: readLines(func(line string) (string, bool, error) {
				rest, ok := strings.CutPrefix(line, insert)
				if !ok {
					return "", false, nil
				}
				return unquoteSQL(rest)
			}),
		},
	}
}

// quoteSQL makes s the inside of a string in MariaDB's default mode, where
// the backslash escapes.
func quoteSQL(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `'`, `''`)
}

// unquoteSQL reads a string up to its closing quote.
func unquoteSQL(s string) (string, bool, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s), s[i] == '\'' && i+1 < len(s) && s[i+1] == '\'':
			i++
		case s[i] == '\'':
			return b.String(), true, nil
		}
		b.WriteByte(s[i])
	}
	return "", false, fmt.Errorf("a string without end")
}
