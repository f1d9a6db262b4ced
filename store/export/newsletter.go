package export

import (
	"harvester/store/query"
	"strings"
)

func brevoProfile() Profile {
	return Profile{
		Name:     "brevo",
		For:      "Brevo, blocklisted contacts",
		Shape:    "semicolon-separated, header EMAIL;REASON; 8 MB a file",
		Import:   "POST https://api.brevo.com/v3/contacts/import with fileBody or fileUrl, \"emailBlacklist\": true and \"updateExistingContacts\": true. Without emailBlacklist the addresses would be added as contacts.",
		Removal:  "PUT /v3/contacts/ADDRESS with \"emailBlacklist\": false.",
		Evidence: "developers.brevo.com/reference/import-contacts; unverified: header names are account attributes, EMAIL is the usual one",
		Loses:    []string{"dates; the reason only if the account has an attribute REASON"},
		MaxBytes: 8_000_000,
		form: form{
			header: "EMAIL;REASON\n",
			row: func(b []byte, e *query.Suppression, name string) []byte {
				b = append(appendDelimited(b, name, ';'), ';')
				return append(append(b, KindOf(e).String()...), '\n')
			},
			name: byKey, spelling: keySpelling, read: readCSV(csvReader{column: "EMAIL", comma: ';'}),
		},
	}
}

func mailchimpProfile() Profile {
	type body struct {
		Members []struct {
			EmailAddress string `json:"email_address"`
		} `json:"members"`
	}
	return Profile{
		Name:  "mailchimp",
		For:   "Mailchimp, one audience",
		Shape: "one request body a line, JSON with up to 500 members",
		Import: "while read -r body; do curl -s --user \"x:$KEY\" https://DC.api.mailchimp.com/3.0/lists/LIST -d \"$body\"; done < FILE. " +
			"Members that are not there yet are created, and can't be mailed.",
		Removal:  "By hand in the audience: a cleaned or unsubscribed member can't be subscribed again without consent.",
		Evidence: "mailchimp.com/developer, lists; unverified: that status cleaned is taken on import",
		Loses:    []string{"dates; complaints and operator's decisions become unsubscribed"},
		form: form{
			batch: batch{size: 500, open: `{"members":[`, sep: ",", close: `],"update_existing":true}` + "\n"},
			row: func(b []byte, e *query.Suppression, name string) []byte {
				status := "unsubscribed"
				if k := KindOf(e); k == HardBounce || k == SoftBounce {
					status = "cleaned"
				}
				b = append(appendJSON(append(b, `{"email_address":`...), name), `,"status":"`...)
				return append(append(b, status...), `"}`...)
			},
			refuse: refuseUnicode, name: byKey, spelling: keySpelling,
			read: readJSON(func(v body) []string {
				var out []string
				for _, m := range v.Members {
					out = append(out, m.EmailAddress)
				}
				return out
			}),
		},
	}
}

func listmonkProfile() Profile {
	return Profile{
		Name:  "listmonk",
		For:   "listmonk, blocklist import",
		Shape: "CSV with header: email,name,attributes",
		Import: "Subscribers > Import with mode Blocklist, or POST /api/import/subscribers with params {\"mode\":\"blocklist\",\"delim\":\",\"}. The file name must end in .csv. " +
			"In mode Subscribe the same file would ADD the addresses.",
		Removal:  "By API: PUT /api/subscribers/ID with status enabled. There is no removal by file.",
		Evidence: "source of knadh/listmonk, internal/subimporter (2026-07)",
		Loses:    []string{"the reason stands in the attributes only", "addresses that Go's net/mail does not read (quoted local parts, a..b@) are skipped by listmonk"},
		form: form{
			header: "email,name,attributes\n", brief: true, refuse: refuseStrict,
			row: func(b []byte, e *query.Suppression, name string) []byte {
				attributes := append([]byte(`{"harvester":{"reason":`), appendJSON(nil, e.Reason)...)
				attributes = append(appendJSON(append(attributes, `,"status":`...), printable(e.Status)), "}}"...)
				b = append(appendCSV(b, name), ",,"...)
				return append(appendCSV(b, string(attributes)), '\n')
			},
			name: byKey, spelling: keySpelling, fold: strings.ToLower, read: readCSV(csvReader{column: "email"}),
		},
	}
}

func mauticProfile() Profile {
	return Profile{
		Name:     "mautic",
		For:      "Mautic, contact import",
		Shape:    "CSV with header: email,doNotEmail; the second column is always 1",
		Import:   "Contacts > Import; map email to Email and doNotEmail to \"Do not contact\". Never write 0 into that column: it would lift a block.",
		Removal:  "By API: POST /api/contacts/ID/dnc/email/remove.",
		Evidence: "source of mautic/mautic (2026)",
		Loses:    []string{"every reason: a CSV import is recorded as Manual, not as Bounced"},
		form: form{
			header: "email,doNotEmail\n",
			row: func(b []byte, e *query.Suppression, name string) []byte {
				return append(appendCSV(b, name), ",1\n"...)
			},
			name: byKey, spelling: keySpelling, fold: foldMarks, addressOnly: true, read: readCSV(csvReader{column: "email"}),
		},
	}
}
