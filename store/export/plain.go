package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"harvester/store/query"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
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
			addressOnly: true,
			row:         bareLine, fold: foldLower, read: readLines(wholeLine),
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
			row: func(b []byte, e *query.Suppression, name string) []byte {
				member := func(key, value string) {
					b = append(append(append(b, ',', '"'), key...), '"', ':')
					b = appendJSON(b, value)
				}
				moment := func(key string, t time.Time) {
					b = append(append(append(b, ',', '"'), key...), '"', ':', '"')
					b = append(appendTime(b, t), '"')
				}
				b = appendJSON(append(b, `{"email":`...), name)
				member("key", e.Key)
				member("reason", e.Reason)
				member("class", e.Class.String())
				member("source", e.Source)
				member("stream", e.Stream)
				member("scope", e.Scope.String())
				moment("since", e.Since)
				moment("last_seen", e.LastSeen)
				moment("expires", e.Expires)
				b = strconv.AppendInt(append(b, `,"count":`...), int64(e.Count), 10)
				member("status", e.Status)
				b = strconv.AppendInt(append(b, `,"reply_code":`...), int64(e.ReplyCode), 10)
				member("remote_mta", e.RemoteMTA)
				member("diagnostic", e.Diagnostic)
				member("rule", e.Rule)
				member("policy", e.Line)
				return append(b, '}', '\n')
			},
			read: readLines(ndjsonEmail),
		},
	}
}

// ndjsonEmail reads the address of a line. It stands first, so the rest need
// not be decoded.
func ndjsonEmail(line string) (name string, ok bool, err error) {
	rest, begins := strings.CutPrefix(line, `{"email":`)
	if !begins || !strings.HasSuffix(line, "}") {
		return "", false, errors.New("is no object that begins with email")
	}
	end := 1
	for end < len(rest) && rest[end] != '"' {
		if rest[end] == '\\' {
			end++
		}
		end++
	}
	if err = json.Unmarshal([]byte(rest[:min(end+1, len(rest))]), &name); err != nil {
		return "", false, err
	}
	return name, true, nil
}

// bareLine is a row that is the address alone.
func bareLine(b []byte, _ *query.Suppression, name string) []byte {
	return append(append(b, name...), '\n')
}

func spreadsheetProfile() Profile {
	const columns = "email,reason,class,since,last_seen,count,expires,source,status,diagnostic,policy"
	const banner = "For reading only: do not import. Cells that a spreadsheet would run carry a leading apostrophe."
	return Profile{
		Name:     "spreadsheet",
		For:      "people who open it in Excel, LibreOffice or Google Sheets",
		Shape:    "UTF-8 CSV with byte order mark and CRLF, a banner line, a header line: " + strings.ReplaceAll(columns, ",", ", "),
		Import:   "Never import it. A cell that begins with = + - @ or an apostrophe gets an apostrophe in front, so that no program runs it; to an importer that is another address.",
		Removal:  "None: it is for reading.",
		Evidence: "own layout; the guard follows OWASP ASVS 1.2.10 and CWE-1236",
		form: form{
			header: "\ufeff" + banner + "\r\n" + columns + "\r\n",
			row: func(b []byte, e *query.Suppression, name string) []byte {
				b = appendCSV(b, guard(name))
				for _, cell := range [...]string{e.Reason, e.Class.String(), seconds(e.Since), seconds(e.LastSeen), strconv.Itoa(e.Count), seconds(e.Expires), e.Source, e.Status, flat(e.Diagnostic), e.Line} {
					b = appendCSV(append(b, ','), guard(cell))
				}
				return append(b, '\r', '\n')
			},
			read: readCSV(csvReader{column: "email", skip: 1, guarded: true}),
		},
	}
}

// guard keeps spreadsheet programs from running a cell: they look at its first
// character, quoted or not, full-width forms included.
func guard(cell string) string {
	if cell == "" || cell[0] >= '0' && cell[0] < '=' || cell[0] > '@' && cell[0] <= 'z' ||
		!strings.ContainsRune("=+-@'\t\r\n|%\uff1d\uff0b\uff0d\uff20", first(cell)) {
		return cell
	}
	return "'" + cell
}

func seconds(t time.Time) string { return string(appendTime(nil, t)) }

func first(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// unguard takes from a cell what guard put there.
func unguard(cell string) string { return strings.TrimPrefix(cell, "'") }

// flat puts a text on one line without control characters.
func flat(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		switch {
		case r > ' ' && r != 0x7f:
			b = utf8.AppendRune(b, r) // what is no UTF-8 becomes U+FFFD
		case len(b) > 0 && b[len(b)-1] != ' ':
			b = append(b, ' ')
		}
	}
	return string(bytes.TrimSuffix(b, []byte(" ")))
}
