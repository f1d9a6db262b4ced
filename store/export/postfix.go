package export

import (
	"fmt"
	"harvester/store/query"
	"strings"
)

// postfix is what the two Postfix tables share (access(5), transport(5)).
func postfix(p Profile, action string) Profile {
	p.Removal = "An address that may be mailed again is absent from the next file."
	p.Evidence = "postfix.org, access(5), transport(5), DATABASE_README; tried with Postfix 3.7"
	p.Loses = append(p.Loses, "user@domain also blocks user+anything@domain where recipient_delimiter is set",
		"addresses that begin with # or need quotes can't be looked up")
	p.form = form{
		brief:  true,
		refuse: refuseAny(refuseQuoted, refuseHash, refuseBlank),
		row: func(b []byte, e *query.Suppression, name string) []byte {
			b = append(append(b, name...), ' ')
			b = append(append(b, action...), ' ')
			return append(append(append(b, "suppressed by harvester: "...), Why(e)...), '\n')
		},
		// QUIRK: Postfix (3.7, smtputf8_enable) folds names by ICU, and its texthash
		// is no table at all once two names fold to one: smtpd then answers 451 to
		// every recipient.
		name: byKey, spelling: keySpelling, fold: foldFull,
		read: readLines(postfixLine),
	}
	return p
}

// postfixLine reads a line as Postfix reads a table: # at its start makes a
// comment, a blank at its start continues the line before.
func postfixLine(line string) (string, bool, error) {
	switch {
	case strings.TrimSpace(line) == "" || line[0] == '#':
		return "", false, nil
	case line[0] == ' ' || line[0] == '\t':
		return "", false, fmt.Errorf("continues the line before")
	}
	key, action, ok := strings.Cut(line, " ")
	if !ok || action == "" {
		return "", false, fmt.Errorf("expected \"key action\"")
	}
	return key, true, nil
}

func postfixAccessProfile() Profile {
	return postfix(Profile{
		Name:  "postfix-access",
		For:   "Postfix, refusing recipients when a mail is handed in by SMTP",
		Shape: "access(5) table: address 550 5.7.1 text",
		Import: "smtpd_recipient_restrictions = check_recipient_access texthash:FILE, permit_mynetworks, ... (before permit_mynetworks). " +
			"texthash needs no postmap, but a running smtpd never reads it again: only one that is started anew does, after max_idle or max_use. Set on_change = [\"postfix\", \"reload\"], or let Postfix ask harvester ([mta]). For a long list: postmap lmdb:FILE.in, then rename the .lmdb over the live one, which each smtpd sees by itself.",
		Loses: []string{"mail from sendmail(1) does not pass here: use postfix-transport for that"},
	}, "550 5.7.1")
}

func postfixTransportProfile() Profile {
	return postfix(Profile{
		Name:  "postfix-transport",
		For:   "Postfix, refusing recipients for all mail, also from sendmail(1)",
		Shape: "transport(5) table: address error:5.1.1 text",
		Import: "transport_maps = texthash:FILE, then \"postfix reload\" after each change (on_change = [\"postfix\", \"reload\"]). " +
			"Each refused mail makes a bounce, which comes back to the bounce mailbox; harvester knows it as an echo.",
	}, "error:5.1.1")
}
