package dsn

import (
	"encoding/base64"
	"slices"
	"strings"

	"harvester/parse/mime"
)

// MaxRecipients is how many groups of one report are read.
const MaxRecipients = 10000

// Parse reads the text of a status part, transfer encoding and charset already
// undone. It never fails; a part without groups gives a report without
// recipients.
func Parse(text string) *Report {
	r := parse(text)
	if len(r.Recipients) > 0 {
		return r
	}
	if again, note := undo(text); note != "" {
		if s := parse(again); len(s.Recipients) > 0 {
			s.addNote(note)
			return s
		}
	}
	return r
}

// undo decodes a part whose transfer encoding its header does not tell.
// QUIRK: Proofpoint Essentials writes the MIME fields of the part into its
// body as if they were a first group; others encode group by group.
func undo(text string) (string, string) {
	if name := mime.FieldName(strings.TrimLeft(text, "\n")); len(name) > 8 && strings.EqualFold(name[:8], "content-") {
		part, _ := mime.Read([]byte(text), mime.Limits{})
		part.Type = "text/plain"
		again := part.Text()
		// The cut of a block of base64 is no line end.
		return again[:strings.LastIndexByte(again, '\n')+1], "MIME fields inside the status part obeyed"
	}
	if strings.Count(text, "\n\n") > 100 {
		return "", ""
	}
	groups := strings.Split(text, "\n\n")
	found := false
	for i, g := range groups {
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(g), ""))
		if err == nil && len(b) > 8 && strings.Contains(string(b), ":") {
			groups[i], found = strings.ReplaceAll(string(b), "\r\n", "\n"), true
		}
	}
	if !found {
		return "", ""
	}
	return strings.Join(groups, "\n\n"), "undeclared base64 decoded"
}

func (r *Report) addNote(s string) {
	if !slices.Contains(r.Notes, s) {
		r.Notes = append(r.Notes, s)
	}
}

// Add unites r with the report of a sibling part. An address that r already
// holds is not added again.
func (r *Report) Add(o *Report) {
	r.Fields = append(r.Fields, o.Fields...)
	known := make(map[string]bool, len(r.Recipients))
	for i := range r.Recipients {
		known[key(&r.Recipients[i])] = true
	}
	for i := range o.Recipients {
		if k := key(&o.Recipients[i]); len(r.Recipients) < MaxRecipients && (k == "" || !known[k]) {
			known[k] = true
			r.Recipients = append(r.Recipients, o.Recipients[i])
		}
	}
	if r.ReportingMTA == "" {
		r.ReportingMTA = o.ReportingMTA
	}
	if r.EnvelopeID == "" {
		r.EnvelopeID = o.EnvelopeID
	}
	if r.Arrival.IsZero() {
		r.Arrival = o.Arrival
	}
	for _, n := range o.Notes {
		r.addNote(n)
	}
}

func key(r *Recipient) string {
	if r.FinalRecipient != "" {
		return strings.ToLower(r.FinalRecipient)
	}
	return strings.ToLower(r.OriginalRecipient)
}

// Sniff tells whether text is a status part whatever its type says: at least
// two of the fields of RFC 3464 in its first 30 lines, and nothing but blank
// lines and fields above them.
func Sniff(text string) bool {
	seen := 0
	for n := 0; n < 30 && text != ""; n++ {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if strings.TrimSpace(line) == "" || line[0] == ' ' || line[0] == '\t' {
			continue
		}
		name := mime.FieldName(line)
		if name == "" && seen == 0 {
			return false
		}
		if known(name) {
			if seen++; seen == 2 {
				return true
			}
		}
	}
	return false
}
