package export

import "harvester/store/query"

// sesReason maps to the two reasons that SES has. Unsubscribes have no place
// there: SES keeps its own lists of topics for them.
func sesReason(e *query.Suppression) string {
	if KindOf(e) == Complaint {
		return "COMPLAINT"
	}
	return "BOUNCE"
}

func sesTakes(e *query.Suppression) bool { return KindOf(e) != Unsubscribe }

var sesLoses = []string{
	"unsubscribes are left out: SES knows only BOUNCE and COMPLAINT",
	"operator's decisions are written as BOUNCE",
	"an entry blocks only if its reason is switched on for the account, and in one Region",
}

func sesProfile() Profile {
	return Profile{
		Name:  "ses",
		For:   "Amazon SES, account-level suppression list",
		Shape: "CSV without header: address,BOUNCE|COMPLAINT; 100,000 addresses a file",
		Import: "Put each part into S3, then: aws sesv2 create-import-job --import-data-source DataFormat=CSV,S3Url=s3://BUCKET/FILE " +
			"--import-destination 'SuppressionListDestination={SuppressionListImportAction=PUT}'. Once per Region; PUT replaces what is there.",
		Removal:  "With delta = true: each part of NAME.remove, addresses alone and at most 10,000 of them, as for the import with SuppressionListImportAction=DELETE (unverified). One by one: aws sesv2 delete-suppressed-destination.",
		Evidence: "docs.aws.amazon.com/ses/latest/dg, sending-email-suppression-list; case of addresses is not stated, lower case is written",
		Loses:    sesLoses, MaxRows: 100_000, MaxRemovals: 10_000,
		form: form{
			addressOnly: true,
			takes:       sesTakes, refuse: refuseAny(refuseQuoted, refuseUnicode),
			row: func(b []byte, e *query.Suppression, name string) []byte {
				b = append(appendCSV(b, name), ',')
				return append(append(b, sesReason(e)...), '\n')
			},
			name: byKey, spelling: keySpelling, read: readCSV(csvReader{}),
		},
	}
}

func sesJSONProfile() Profile {
	type line struct {
		EmailAddress string `json:"emailAddress"`
	}
	p := sesProfile()
	p.Name, p.Shape = "ses-json", "one JSON object a line: emailAddress, reason; 100,000 addresses a file"
	p.Import = "As for the profile ses, with DataFormat=JSON."
	p.form.row = func(b []byte, e *query.Suppression, name string) []byte {
		b = append(appendJSON(append(b, `{"emailAddress":`...), name), `,"reason":"`...)
		return append(append(b, sesReason(e)...), "\"}\n"...)
	}
	p.form.read = readJSON(func(l line) []string { return []string{l.EmailAddress} })
	return p
}
