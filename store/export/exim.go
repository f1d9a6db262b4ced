package export

import (
	"fmt"
	"harvester/store/query"
	"strings"
)

// exim is what the two Exim files share. f lacks what does not differ.
func exim(p Profile, record func(b []byte, key, why string) []byte, f form) Profile {
	p.For = "Exim, refusing recipients"
	p.Removal = "An address that may be mailed again is absent from the next file."
	p.Loses = append(p.Loses, "addresses with a quoted local part can't be looked up")
	f.brief, f.refuse = true, refuseQuoted
	f.row = func(b []byte, e *query.Suppression, name string) []byte {
		return record(b, name, Why(e))
	}
	f.name, f.spelling, f.fold = byKey, keySpelling, foldASCII
	p.form = f
	return p
}

func eximProfile() Profile {
	return exim(Profile{
		Name:  "exim",
		Shape: "lsearch file: address: text",
		Import: "In acl_smtp_rcpt, before anything accepts: deny recipients = lsearch;FILE and message = suppressed. For mail handed in locally: the same in acl_not_smtp, or a redirect router with :fail:. " +
			"Exim reads it from the start for each look-up: for a long list use exim-cdb.",
		Evidence: "exim.org, specification chapter 9 (lsearch); tried with Exim 4.96",
	}, appendExim, form{
		read: readLines(func(line string) (string, bool, error) {
			if line == "" || line[0] == '#' {
				return "", false, nil
			}
			key, err := eximKey(line)
			return key, err == nil, err
		}),
	})
}

func eximCDBProfile() Profile {
	return exim(Profile{
		Name:  "exim-cdb",
		Shape: "constant database (cdb): the address is the key, the reason its data",
		Import: "In acl_smtp_rcpt, before anything accepts: deny recipients = cdb;FILE and message = suppressed. For mail handed in locally: the same in acl_not_smtp, or a redirect router with " +
			"data = ${lookup{${lc:$local_part@$domain}}cdb{FILE}{:fail: suppressed}fail} and allow_fail. Exim opens it anew for each mail, so nothing needs to be reloaded.",
		Evidence: "cr.yp.to/cdb/cdb.txt; exim.org, specification chapters 9 (cdb) and 10 (case of letters in address lists); tried with Exim 4.96 and tinycdb 0.78",
		Loses:    []string{"it holds at most 4 GB", "keys are found in lower case only: Exim folds recipients itself, a look-up of your own needs ${lc:...}"},
	}, appendCDB, form{
		header: string(make([]byte, cdbHead)), // known when all rows are
		cdb:    true,
		read:   readCDB,
	})
}

func appendExim(b []byte, key, why string) []byte {
	if strings.ContainsAny(key, "#: \t\"\\") {
		key = `"` + strings.ReplaceAll(strings.ReplaceAll(key, `\`, `\\`), `"`, `\"`) + `"`
	}
	return append(append(append(append(b, key...), ": "...), why...), '\n')
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
