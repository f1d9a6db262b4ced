package sentlog

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"harvester/parse/table"
)

// csvLedger reads CSV, a ledger's or PowerMTA's accounting file. Columns are found
// by the header, which may come again; the others are passed over.
type csvLedger struct {
	zone    *time.Location
	columns map[string]int
	comma   rune // as the header parts its cells
}

// columnNames are our names for columns, and what PowerMTA calls them.
var columnNames = map[string]string{
	"message_id": "id", "header_message-id": "id",
	"recipient": "to", "rcpt": "to",
	"sender": "from", "orig": "from",
	"at": "at", "time": "at", "timelogged": "at",
	"stream": "stream",
	"type":   "type", "jobid": "job", "envid": "envelope", "timequeued": "queued",
}

func (t *csvLedger) Open() *Open { return nil }

func (t *csvLedger) Line(line string) ([]Row, error) {
	line = strings.TrimPrefix(line, "\ufeff")
	if strings.TrimSpace(line) == "" {
		return nil, nil
	}
	if columns, comma := header(line); columns != nil {
		t.columns, t.comma = columns, comma
		return nil, nil
	}
	if t.comma == 0 {
		t.comma = ','
	}
	fields, err := cells(line, t.comma)
	if err != nil {
		return nil, err
	}
	if t.columns == nil {
		return nil, errors.New(`the header is missing: the first line names the columns, "message_id,recipient,at,stream"`)
	}
	value := func(name string) string {
		if i, ok := t.columns[name]; ok && i < len(fields) {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	id := value("id")
	if kind := value("type"); kind != "" {
		// PowerMTA: delivered or bounced. Tries come again, and what remote
		// systems report later is about the same mail.
		if kind != "d" && kind != "b" {
			return nil, nil
		}
		if id == "" {
			id = strings.Join([]string{"powermta", value("queued"), value("job"), value("envelope"), value("from")}, " ")
		}
	}
	return rowOf(id, value("from"), value("to"), value("stream"), value("at"), t.zone)
}

// header reads the names of the columns, and by what they are parted; nil when
// the line is none.
func header(line string) (map[string]int, rune) {
	if strings.Contains(line, "@") {
		return nil, 0
	}
	comma := table.Separator(line)
	fields, err := cells(line, comma)
	if err != nil {
		return nil, 0
	}
	columns := map[string]int{}
	for i, f := range fields {
		if name, ok := columnNames[strings.ToLower(strings.TrimSpace(f))]; ok {
			columns[name] = i
		}
	}
	if _, ok := columns["to"]; !ok {
		return nil, 0
	}
	return columns, comma
}

// cells takes a line of CSV apart.
func cells(line string, comma rune) ([]string, error) {
	r := csv.NewReader(strings.NewReader(line))
	r.Comma = comma
	fields, err := r.Read()
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		err = table.Words(syntax)
	}
	return fields, err
}

// lines reads JSON lines with the names of the CSV columns.
type lines struct{ zone *time.Location }

func (l *lines) Open() *Open { return nil }

func (l *lines) Line(line string) ([]Row, error) {
	if strings.TrimSpace(line) == "" {
		return nil, nil
	}
	var r struct {
		ID     string `json:"message_id"`
		To     string `json:"recipient"`
		From   string `json:"sender"`
		Stream string `json:"stream"`
		At     any    `json:"at"`
	}
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&r); err != nil {
		return nil, errors.New("it is no JSON object with message_id and recipient") //nolint:nilerr // the decoder names Go types
	}
	at := ""
	if r.At != nil {
		at = fmt.Sprint(r.At)
	}
	return rowOf(r.ID, r.From, r.To, r.Stream, at, l.zone)
}

func rowOf(id, from, to, stream, at string, zone *time.Location) ([]Row, error) {
	if strings.Trim(id, "<> ") == "" {
		return nil, errors.New("it has no message_id")
	}
	if i := strings.LastIndexByte(to, '@'); i < 1 || i == len(to)-1 {
		return nil, fmt.Errorf("%q is no recipient", to)
	}
	when, err := readTime(at, zone)
	if err != nil {
		return nil, err
	}
	return []Row{{At: when, MessageID: id, Sender: from, Recipient: to, Stream: stream}}, nil
}

// readTime reads RFC 3339, "2026-11-25 23:01:02" with or without "+0100", or
// seconds since 1970; none is the zero time.
func readTime(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05-0700", "2006-01-02 15:04:05 -0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if t, err := time.ParseInLocation(time.DateTime, text, zone); err == nil {
		return t, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 && n < 1<<34 {
		return time.Unix(n, 0), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: write it as 2026-11-25T23:01:02Z", text)
}
