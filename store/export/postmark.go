package export

import "harvester/store/query"

func postmarkProfile() Profile {
	type body struct {
		Suppressions []struct{ EmailAddress string }
	}
	return Profile{
		Name:  "postmark",
		For:   "Postmark, suppressions of one message stream",
		Shape: "one request body a line, JSON with up to 50 addresses",
		Import: "while read -r body; do curl -s https://api.postmarkapp.com/message-streams/STREAM/suppressions -H \"X-Postmark-Server-Token: $TOKEN\" " +
			"-H 'Content-Type: application/json' -d \"$body\"; done < FILE. The answer has a status for each address.",
		Removal:  "POST .../suppressions/delete with the same body; complaints can't be deleted.",
		Evidence: "postmarkapp.com/developer/api/suppressions-api; unverified: the limit of 50 a call",
		Loses:    []string{"every reason: Postmark records ManualSuppression"},
		form: form{
			addressOnly: true,
			batch:       batch{size: 50, open: `{"Suppressions":[`, sep: ",", close: "]}\n"},
			row: func(b []byte, e *query.Suppression, name string) []byte {
				return append(appendJSON(append(b, `{"EmailAddress":`...), name), '}')
			},
			name: byKey, spelling: keySpelling,
			read: readJSON(func(v body) []string {
				var out []string
				for _, s := range v.Suppressions {
					out = append(out, s.EmailAddress)
				}
				return out
			}),
		},
	}
}
