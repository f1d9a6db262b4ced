package sentlog

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"harvester/parse/table"
)

// Count is how many recipients were sent to on a day.
type Count struct {
	Day    time.Time // midnight UTC of the date as it is written
	Stream string    // "" where the file does not say
	Sent   int
	Line   int // of a CSV or JSON lines file; 0 in others
}

// Counts reads counts of what was sent:
//
//   - CSV with a header that names at least date and sent, and perhaps stream
//   - JSON lines with the same names
//   - the answers of the statistics interfaces of Amazon SES
//     (get-send-statistics), SendGrid (/v3/stats), Postmark
//     (/stats/outbound/sends), Mailgun (/stats/total) and SparkPost
//     (/metrics/deliverability/time-series), as their documentation shows them
//
// Counts of one day and stream are added up. Nothing is returned when anything
// is wrong: errors of CSV and JSON lines are *LineError, all of them joined.
func Counts(r io.Reader) ([]Count, error) {
	all, err := io.ReadAll(io.LimitReader(r, countsLimit+1))
	if err != nil {
		return nil, fmt.Errorf("reading counts: %w", err)
	}
	if len(all) > countsLimit {
		return nil, fmt.Errorf("reading counts: more than %d MB", countsLimit>>20)
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(all, []byte("\ufeff")))
	var out []Count
	switch {
	case len(text) == 0:
		return nil, errors.New("reading counts: the file is empty")
	case text[0] != '{' && text[0] != '[':
		out, err = csvCounts(text)
	case text[0] == '{' && !wholeDocument(text):
		out, err = lineCounts(text)
	default:
		out, err = serviceCounts(text)
	}
	if err != nil {
		return nil, err
	}
	return added(out), nil
}

const countsLimit = 64 << 20 // bytes

// added sums up counts of the same day and stream, in the order of the file.
func added(in []Count) []Count {
	type slot struct {
		day    time.Time
		stream string
	}
	at := map[slot]int{}
	var out []Count
	for _, c := range in {
		k := slot{c.Day, c.Stream}
		if i, ok := at[k]; ok {
			out[i].Sent += c.Sent
			continue
		}
		at[k] = len(out)
		out = append(out, c)
	}
	return out
}

func csvCounts(text []byte) (out []Count, err error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.TrimLeadingSpace = true
	head, _, _ := bytes.Cut(text, []byte("\n"))
	r.Comma = table.Separator(string(head))
	header, err := r.Read()
	if err != nil {
		return nil, &LineError{1, err}
	}
	for i, h := range header {
		header[i] = strings.ToLower(strings.TrimSpace(h))
	}
	date, sent, stream := slices.Index(header, "date"), slices.Index(header, "sent"), slices.Index(header, "stream")
	if date < 0 || sent < 0 {
		return nil, &LineError{1, fmt.Errorf("the header %q names no date and sent: write \"date,stream,sent\"", strings.Join(header, ","))}
	}
	var errs []error
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, errors.Join(errs...)
		}
		line, _ := r.FieldPos(0)
		var c Count
		if err == nil {
			name := ""
			if stream >= 0 {
				name = row[stream]
			}
			c, err = countOf(row[date], name, row[sent])
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			line, err = syntax.StartLine, table.Words(syntax)
		}
		if err != nil {
			errs = append(errs, &LineError{line, err})
			continue
		}
		c.Line = line
		out = append(out, c)
	}
}

func countOf(date, stream, sent string) (Count, error) {
	day, err := time.Parse(time.DateOnly, strings.TrimSpace(date))
	if err != nil {
		return Count{}, fmt.Errorf("%q is no date: write it as 2026-11-25", date)
	}
	n, err := strconv.Atoi(strings.TrimSpace(sent))
	if err != nil || n < 0 {
		return Count{}, fmt.Errorf("%q is no number of recipients", sent)
	}
	return Count{Day: day, Stream: strings.TrimSpace(stream), Sent: n}, nil
}

// wholeDocument tells a JSON document from JSON lines.
func wholeDocument(text []byte) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	var first map[string]json.RawMessage
	if d.Decode(&first) != nil {
		return false
	}
	_, line := first["date"]
	return !line && !d.More()
}

func lineCounts(text []byte) (out []Count, err error) {
	var errs []error
	s := scanner(bytes.NewReader(text))
	for line := 1; s.Scan(); line++ {
		if strings.TrimSpace(s.Text()) == "" {
			continue
		}
		var row struct {
			Date   string      `json:"date"`
			Stream string      `json:"stream"`
			Sent   json.Number `json:"sent"`
		}
		var c Count
		err := json.Unmarshal(s.Bytes(), &row)
		if err == nil {
			c, err = countOf(row.Date, row.Stream, row.Sent.String())
		}
		if err != nil {
			errs = append(errs, &LineError{line, err})
			continue
		}
		c.Line = line
		out = append(out, c)
	}
	return out, errors.Join(append(errs, s.Err())...)
}

// service is the union of what the services answer.
type service struct {
	SES []struct {
		Timestamp        time.Time
		DeliveryAttempts int
	} `json:"SendDataPoints"`
	Postmark []struct {
		Date string
		Sent int
	} `json:"Days"`
	Mailgun []struct {
		Time     string `json:"time"`
		Accepted *struct {
			Outgoing int `json:"outgoing"`
		} `json:"accepted"`
	} `json:"stats"`
	SparkPost []struct {
		TS       time.Time `json:"ts"`
		Targeted *int      `json:"count_targeted"`
		Sent     *int      `json:"count_sent"`
	} `json:"results"`
}

// sendGrid is what SendGrid answers, an array.
type sendGrid []struct {
	Date  string `json:"date"`
	Stats []struct {
		Metrics struct {
			Requests int `json:"requests"`
		} `json:"metrics"`
	} `json:"stats"`
}

var errService = errors.New("reading counts: neither CSV, JSON lines nor the statistics of a service that is known (docs/rates.md)")

func serviceCounts(text []byte) (out []Count, err error) {
	day := func(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
	if text[0] == '[' {
		var days sendGrid
		if err := json.Unmarshal(text, &days); err != nil {
			return nil, fmt.Errorf("%w: %w", errService, err)
		}
		for _, d := range days {
			for _, s := range d.Stats {
				c, err := countOf(d.Date, "", strconv.Itoa(s.Metrics.Requests))
				if err != nil {
					return nil, fmt.Errorf("reading counts of SendGrid: %w", err)
				}
				out = append(out, c)
			}
		}
	} else {
		var s service
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, fmt.Errorf("%w: %w", errService, err)
		}
		for _, p := range s.SES {
			out = append(out, Count{Day: day(p.Timestamp), Sent: p.DeliveryAttempts})
		}
		for _, p := range s.Postmark {
			c, err := countOf(p.Date, "", strconv.Itoa(p.Sent))
			if err != nil {
				return nil, fmt.Errorf("reading counts of Postmark: %w", err)
			}
			out = append(out, c)
		}
		for _, p := range s.Mailgun {
			t, err := time.Parse(time.RFC1123, p.Time)
			if err != nil || p.Accepted == nil {
				return nil, fmt.Errorf("reading counts of Mailgun: %q has no count of accepted mail", p.Time)
			}
			out = append(out, Count{Day: day(t), Sent: p.Accepted.Outgoing})
		}
		for _, p := range s.SparkPost {
			n := p.Targeted
			if n == nil {
				n = p.Sent
			}
			if n == nil {
				return nil, fmt.Errorf("reading counts of SparkPost: %s has neither count_targeted nor count_sent", p.TS.Format(time.RFC3339))
			}
			out = append(out, Count{Day: day(p.TS), Sent: *n})
		}
	}
	if len(out) == 0 {
		return nil, errService
	}
	return out, nil
}
