package view

import (
	"strings"

	"harvester/parse/dsn"
)

// inline reads status fields that stand in the text itself, where a system on
// the way took the parts of the report apart or its boundaries off. They begin
// at a line and end where the returned mail does begin.
func (r *reader) inline() {
	text := r.m.Text
	at := -1
	for _, field := range [...]string{"Reporting-MTA:", "Final-Recipient:", "Original-Recipient:"} {
		if i := lineWith(text, field); i >= 0 && (at < 0 || i < at) {
			at = i
		}
	}
	if at < 0 || !dsn.Sniff(text[at:]) {
		return
	}
	status, returned := text[at:], ""
	for _, field := range [...]string{"Return-Path:", "Received:", "From:"} {
		if i := lineWith(status, field); i >= 0 {
			status, returned = status[:i], status[i:]
		}
	}
	report := dsn.Parse(status)
	if len(report.Recipients) == 0 {
		return
	}
	r.m.Report = report
	r.addNote([]string{"status fields stand in the text"})
	if r.m.Original == nil && returned != "" {
		head := []byte(returned[:min(len(returned), r.limit)])
		r.m.Original = r.original(head)
	}
}

// lineWith returns where the first line that begins with prefix does begin.
func lineWith(text, prefix string) int {
	if strings.HasPrefix(text, prefix) {
		return 0
	}
	if i := strings.Index(text, "\n"+prefix); i >= 0 {
		return i + 1
	}
	return -1
}
