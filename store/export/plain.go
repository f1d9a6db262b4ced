package export

import (
	"encoding/json"
	"strings"
	"time"

	"harvester/parse/bounce"
	"harvester/store"
)

// addressOnly says what every list of bare addresses loses.
var addressOnly = []string{"reason and dates: a bounce, a complaint and an unsubscribe look the same"}

func plainProfile() Profile {
	return Profile{
		Name:     "plain",
		For:      "paste boxes and tools that take one address a line (GreenArrow, Mailjet, Sendy, ...)",
		Shape:    "UTF-8 text, one address a line, no header",
		Import:   "Paste or upload it where the tool takes addresses that must not be mailed.",
		Removal:  "Most such tools only add: take an address off by hand where the tool lists it.",
		Evidence: "the common ground of the vendors' pages",
		Loses:    addressOnly,
		form: form{
			row:  func(b []byte, e *store.Suppression, _ *Target) []byte { return append(append(b, e.Address...), '\n') },
			read: readLines(wholeLine),
		},
	}
}

func ndjsonProfile() Profile {
	return Profile{
		Name:     "ndjson",
		For:      "scripts and databases",
		Shape:    "one JSON object a line, with everything that is known of the address",
		Import:   "Read it line by line; keys are only ever added. The diagnostic quotes the receiver and may name third parties: think before it leaves the house.",
		Removal:  "An address that may be mailed again is absent from the next file.",
		Evidence: "own layout (RFC 8259)",
		form: form{
			row: func(b []byte, e *store.Suppression, _ *Target) []byte {
				line, _ := json.Marshal(jsonRow{e.Address, e.Key, e.Reason, e.Class, e.Source, e.Stream, e.Scope.String(), seconds(e.Since), seconds(e.LastSeen), seconds(e.Expires),
					e.Count, e.Status, e.ReplyCode, e.RemoteMTA, e.Diagnostic, e.Rule, e.Line}) // strings and numbers always encode
				return append(append(b, line...), '\n')
			},
			read: readJSON(func(r jsonRow) []string { return []string{r.Email} }),
		},
	}
}

type jsonRow struct {
	Email      string       `json:"email"`
	Key        string       `json:"key"`
	Reason     string       `json:"reason"`
	Class      bounce.Class `json:"class"`
	Source     string       `json:"source"`
	Stream     string       `json:"stream"`
	Scope      string       `json:"scope"`
	Since      string       `json:"since"`
	LastSeen   string       `json:"last_seen"`
	Expires    string       `json:"expires"`
	Count      int          `json:"count"`
	Status     string       `json:"status"`
	ReplyCode  int          `json:"reply_code"`
	RemoteMTA  string       `json:"remote_mta"`
	Diagnostic string       `json:"diagnostic"`
	Rule       string       `json:"rule"`
	Line       string       `json:"policy"`
}

func seconds(t time.Time) string { return string(appendTime(nil, t)) }

func spreadsheetProfile() Profile {
	const columns = "email,reason,class,since,last_seen,count,expires,source,status,diagnostic,policy"
	const banner = "For reading only: do not import. Cells that a spreadsheet would run carry a leading apostrophe."
	return Profile{
		Name:     "spreadsheet",
		For:      "people who open it in Excel, LibreOffice or Google Sheets",
		Shape:    "UTF-8 CSV with byte order mark and CRLF, a banner line, a header line: " + columns,
		Import:   "Never import it. A cell that begins with = + - @ or an apostrophe gets an apostrophe in front, so that no program runs it; to an importer that is another address.",
		Removal:  "None: it is for reading.",
		Evidence: "own layout; the guard follows OWASP ASVS 1.2.10 and CWE-1236",
		form: form{
			header: "\ufeff" + banner + "\r\n" + columns + "\r\n",
			row: func(b []byte, e *store.Suppression, _ *Target) []byte {
				for i, cell := range [...]string{e.Address, e.Reason, e.Class.String(), seconds(e.Since), seconds(e.LastSeen), itoa(e.Count), seconds(e.Expires), e.Source, e.Status, flat(e.Diagnostic), e.Line} {
					if i > 0 {
						b = append(b, ',')
					}
					b = appendCSV(b, guard(cell))
				}
				return append(b, '\r', '\n')
			},
			name: func(e *store.Suppression, _ *Target) string { return guard(e.Address) },
			read: readCSV(csvReader{column: "email", skip: 1}),
		},
	}
}

// guard keeps spreadsheet programs from running a cell: they look at its first
// character, quoted or not, full-width forms included.
func guard(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@'\t\r\n|%\uff1d\uff0b\uff0d\uff20", []rune(cell)[0]) {
		return cell
	}
	return "'" + cell
}

// flat puts a text on one line without control characters.
func flat(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\ufffd"), func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
}
