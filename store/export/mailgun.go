package export

import (
	"harvester/store/query"
	"strconv"
	"time"
)

const mailgunLimit = 25_000_000 // bytes of a file

// mailgun is what the three lists of Mailgun share. created_at is RFC 2822.
func mailgun(name, list, header string, takes func(*query.Suppression) bool, row func([]byte, *query.Suppression) []byte) Profile {
	return Profile{
		Name:     name,
		For:      "Mailgun, the list of " + list + " of one sending domain",
		Shape:    "CSV with header: " + header + "; 25 MB a file",
		Import:   "curl -s --user \"api:$KEY\" https://api.mailgun.net/v3/DOMAIN/" + list + "/import -F file=@FILE. Once per sending domain; the answer 202 means that the work goes on in the background.",
		Removal:  "DELETE /v3/DOMAIN/" + list + "/ADDRESS, one at a time; the import only adds.",
		Evidence: "documentation.mailgun.com, api-reference, " + list,
		Loses:    []string{"when an entry expires", "Mailgun has three lists: the other two come from the other two profiles mailgun, mailgun-complaints, mailgun-unsubscribes"},
		MaxBytes: mailgunLimit,
		form: form{
			header: header + "\n", takes: takes,
			row: func(b []byte, e *query.Suppression, name string) []byte {
				b = row(append(appendCSV(b, name), ','), e)
				return append(appendCSV(b, e.Since.UTC().Format(time.RFC1123Z)), '\n')
			},
			name: byKey, spelling: keySpelling, read: readCSV(csvReader{column: "address"}),
		},
	}
}

func mailgunProfile() Profile {
	p := mailgun("mailgun", "bounces", "address,code,error,created_at",
		func(e *query.Suppression) bool { k := KindOf(e); return k != Complaint && k != Unsubscribe },
		func(b []byte, e *query.Suppression) []byte {
			code := e.ReplyCode
			if code < 500 || code > 599 { // a final failure, whatever the last reply was
				code = 550
			}
			b = append(strconv.AppendInt(b, int64(code), 10), ',')
			return append(appendCSV(b, Why(e)), ',')
		})
	p.Loses = append(p.Loses, "operator's decisions are written as bounces")
	return p
}

func mailgunComplaintsProfile() Profile {
	return mailgun("mailgun-complaints", "complaints", "address,created_at",
		func(e *query.Suppression) bool { return KindOf(e) == Complaint },
		func(b []byte, _ *query.Suppression) []byte { return b })
}

func mailgunUnsubscribesProfile() Profile {
	return mailgun("mailgun-unsubscribes", "unsubscribes", "address,tags,created_at",
		func(e *query.Suppression) bool { return KindOf(e) == Unsubscribe },
		func(b []byte, _ *query.Suppression) []byte { return append(b, "*,"...) })
}
