package export

import (
	"fmt"
	"strings"

	"harvester/store/query"
)

func sendmailProfile() Profile {
	return Profile{
		Name:  "sendmail",
		For:   "sendmail, refusing recipients",
		Shape: "access map as text for makemap: To:address, a tab, ERROR:5.7.1:550 text",
		Import: "In sendmail.mc: FEATURE(`access_db', `hash -T<TMPF> -o /etc/mail/access') and FEATURE(`blocklist_recipients'). After each change: makemap -C /etc/mail/sendmail.cf hash /etc/mail/access < FILE " +
			"(on_change = [\"sh\", \"-c\", \"makemap -C /etc/mail/sendmail.cf hash /etc/mail/access < $HARVESTER_PATH\"]). sendmail reads the changed map by itself. Lines of your own go into the same map: cat OWN FILE | makemap ...",
		Removal:  "An address that may be mailed again is absent from the next file.",
		Evidence: "cf/README of sendmail 8.17 (access_db, blocklist_recipients), makemap(8); tried with sendmail 8.17",
		Loses: []string{"a suppressed user@domain also blocks user+anything@domain where sendmail looks that up; see its own rules",
			"addresses with a quoted local part, with an operator of sendmail's own (%, !, a dot too many, ...) or outside ASCII can't be looked up"},
		form: form{
			brief:  true,
			refuse: refuseAny(refuseQuoted, refuseBlank, refuseUnicode, refuseDots, refuseSpecials(`%!;:,\`)),
			row: func(b []byte, e *query.Suppression, name string) []byte {
				b = append(append(append(b, "To:"...), name...), "\tERROR:5.7.1:550 suppressed by harvester: "...)
				return append(append(b, Why(e)...), '\n')
			},
			name: byKey, spelling: keySpelling, fold: foldOnlyASCII,
			read: readLines(func(line string) (string, bool, error) {
				if strings.TrimSpace(line) == "" || line[0] == '#' {
					return "", false, nil
				}
				tagged, action, ok := strings.Cut(line, "\t")
				key, to := strings.CutPrefix(tagged, "To:")
				if !ok || !to || !strings.HasPrefix(action, "ERROR:") {
					return "", false, fmt.Errorf("expected \"To:address<tab>ERROR:...\"")
				}
				return key, true, nil
			}),
		},
	}
}

func opensmtpdProfile() Profile {
	return Profile{
		Name:   "opensmtpd",
		For:    "OpenSMTPD, refusing recipients",
		Shape:  "table file: one address a line",
		Import: "In smtpd.conf: table suppressed file:FILE, and before other rules: match from any rcpt-to <suppressed> for any reject. After each change: smtpctl update table suppressed (on_change runs it).",

		Removal:  "An address that may be mailed again is absent from the next file.",
		Evidence: "table(5), smtpd.conf(5); tried with OpenSMTPD 6.8",
		Loses: []string{"every reason", "a suppressed user@domain also blocks user+anything@domain",
			"addresses that begin with # (a comment), hold : (ends a key) or * (stands for anything), or that OpenSMTPD refuses by their form, can't be looked up"},
		form: form{
			refuse:      refuseAny(refuseQuoted, refuseHash, refuseBlank, refuseUnicode, refuseDots, refuseSpecials(`*:;,\`)),
			row:         bareLine,
			addressOnly: true,
			name:        byKey, spelling: keySpelling, fold: foldOnlyASCII,
			read: readLines(uncommented),
		},
	}
}

func harakaProfile() Profile {
	return Profile{
		Name:  "haraka",
		For:   "Haraka, refusing recipients",
		Shape: "one address a line, for haraka-plugin-access",
		Import: "Write it to config/rcpt_to.access.blacklist, with access in config/plugins and rcpt=true under [check] in config/access.ini (npm install haraka-plugin-access). " +
			"Haraka reads a changed file by itself.",
		Removal:  "An address that may be mailed again is absent from the next file.",
		Evidence: "source of haraka-plugin-access 1.4; tried with Haraka 3.3",
		Loses:    []string{"every reason", "addresses that begin with # (a comment) or that Haraka refuses by their form can't be looked up"},
		form: form{
			refuse:      refuseAny(refuseQuoted, refuseHash, refuseBlank, refuseDots, refuseSpecials(`:;,\`)),
			row:         bareLine,
			addressOnly: true,
			name:        byKey, spelling: keySpelling, fold: foldLower,
			read: readLines(uncommented),
		},
	}
}

// uncommented takes a line for an address unless # makes it a comment.
func uncommented(line string) (string, bool, error) {
	line = strings.TrimSpace(line)
	return line, line != "" && line[0] != '#', nil
}

// refuseSpecials refuses local parts that hold one of some characters, which
// mean something of their own to the target.
func refuseSpecials(chars string) func(*query.Suppression) string {
	return func(e *query.Suppression) string {
		local := e.Key[:strings.LastIndexByte(e.Key, '@')]
		if i := strings.IndexAny(local, chars); i >= 0 {
			return "holds " + local[i:i+1] + ", which the target does not take for a letter of an address"
		}
		return ""
	}
}
