package export

import "harvester/store/query"

func sendgridProfile() Profile {
	return Profile{
		Name:     "sendgrid",
		For:      "SendGrid, unsubscribe group or global unsubscribes",
		Shape:    "CSV, header line email, addresses alone, never quoted",
		Import:   "Suppressions > Unsubscribe Groups > the group > Upload a CSV. SendGrid takes the first column. By API: POST /v3/asm/suppressions/global with at most 1,000 addresses a call.",
		Removal:  "DELETE /v3/asm/suppressions/global/ADDRESS, one at a time; the upload only adds.",
		Evidence: "github.com/sendgrid/docs, unsubscribe-groups (2021); no limit of rows is stated",
		Loses:    []string{"every reason: SendGrid lets nobody write its bounce list, so bounces and complaints become unsubscribes"},
		form: form{
			addressOnly: true,
			header:      "email\n", refuse: refuseAny(refuseQuoted, refuseComma),
			row:  bareLine,
			name: byKey, spelling: keySpelling, read: readCSV(csvReader{column: "email"}),
		},
	}
}

func refuseComma(e *query.Suppression) string {
	for i := range len(e.Key) {
		if c := e.Key[i]; c == ',' || c == '"' {
			return "would have to be quoted, which the target does not understand"
		}
	}
	return ""
}
