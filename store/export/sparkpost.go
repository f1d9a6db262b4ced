package export

import "harvester/store/query"

func sparkpostProfile() Profile {
	return Profile{
		Name:  "sparkpost",
		For:   "SparkPost (Bird), suppression list",
		Shape: "CSV with header: recipient,type,description; two rows block an address for all mail",
		Import: "Recipients > Suppressions > upload, or PUT /api/v1/suppression-list in batches of 10,000. Each subaccount has a list of its own. " +
			"1,000,000 entries in total can be added so.",
		Removal:  "DELETE /api/v1/suppression-list/ADDRESS, one at a time; entries of source Compliance can't be deleted.",
		Evidence: "developers.sparkpost.com/api/suppression-list, github.com/tuck1s/sparkySuppress",
		Loses:    []string{"kind and dates: the reason stands in the description only"},
		form: form{
			brief:  true,
			header: "recipient,type,description\n",
			row: func(b []byte, e *query.Suppression, name string) []byte {
				if KindOf(e) != Unsubscribe {
					b = appendCSV(append(appendCSV(b, name), ",transactional,"...), KindOf(e).String()+": "+Why(e))
					b = append(b, '\n')
				}
				b = appendCSV(append(appendCSV(b, name), ",non_transactional,"...), KindOf(e).String()+": "+Why(e))
				return append(b, '\n')
			},
			name: byKey, spelling: keySpelling, read: readCSV(csvReader{column: "recipient"}),
		},
	}
}
