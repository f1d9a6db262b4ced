package export

import (
	"harvester/store/query"
	"strconv"
)

// csvProfile is the list with what is known of each address, for scripts and
// for a look by eye.
func csvProfile() Profile {
	return Profile{
		Name:  "csv",
		For:   "scripts, CRMs, anything that reads CSV with a header",
		Shape: "UTF-8 CSV, header line, address first: " + csvHeader,
		Import: "Read columns by their header. The first column is called email, so most importers take the file as it is. " +
			"Never open it in a spreadsheet program to save it again: use the profile spreadsheet to look at it.",
		Removal:  "An address that may be mailed again is absent from the next file.",
		Evidence: "own layout (RFC 4180, LF line ends)",
		form: form{
			header: csvHeader + "\n",
			row: func(b []byte, e *query.Suppression, name string) []byte {
				b = appendCSV(b, name)
				b = append(b, ',')
				b = appendCSV(b, e.Reason)
				b = append(b, ',')
				b = append(b, e.Class.String()...)
				b = append(b, ',')
				b = appendTime(b, e.Since)
				b = append(b, ',')
				b = appendTime(b, e.LastSeen)
				b = append(b, ',')
				b = strconv.AppendInt(b, int64(e.Count), 10)
				b = append(b, ',')
				b = appendTime(b, e.Expires)
				b = append(b, ',')
				b = appendCSV(b, e.Source)
				return append(b, '\n')
			},
			read: readCSV(csvReader{column: "email"}),
		},
	}
}

const csvHeader = "email,reason,class,since,last_seen,count,expires,source"

// emailProfile is the form that most web importers take.
func emailProfile() Profile {
	return Profile{
		Name:  "email",
		For:   "the import page of most newsletter tools (ActiveCampaign, Dotdigital, HubSpot, Iterable, Klaviyo, Resend, Telnyx, ...)",
		Shape: "UTF-8 CSV, header line email, addresses alone",
		Import: "Upload it where the tool imports a suppression, opt-out or do-not-mail list. Never where it imports contacts: " +
			"that would add the addresses instead of blocking them.",
		Removal:  "Most such tools only add: take an address off by hand where the tool lists it.",
		Evidence: "the common ground of the vendors' import pages",
		Loses:    []string{"reason and dates: a bounce, a complaint and an unsubscribe look the same"},
		form: form{
			header: "email\n",
			row: func(b []byte, e *query.Suppression, name string) []byte {
				return append(appendCSV(b, name), '\n')
			},
			addressOnly: true,
			fold:        foldLower,
			read:        readCSV(csvReader{column: "email"}),
		},
	}
}
