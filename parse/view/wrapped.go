package view

import (
	"strings"

	"harvester/parse/mime"
)

// unwrap takes the report out of a notice that a mail system encloses in one of
// its own which says nothing. In any other mail an enclosed notice is quoted.
// QUIRK: a Japanese gateway sends every notice this way, to
// "NotificationRecipients".
func (m *Mail) unwrap(lim mime.Limits) {
	if m.Report != nil || m.Feedback != nil || m.Receipt != nil || m.Original == nil || !m.Daemon() || strings.Contains(m.Text, "@") {
		return
	}
	inner := onlyEnclosed(m.Root)
	if inner == nil || inner.Type != "multipart/report" {
		return
	}
	if from, name := mime.Address(inner.Header.Get("From")); !isDaemon(from) && !isDaemon(name) {
		return
	}
	n := read(inner.Raw(), lim)
	if n.Report == nil {
		return
	}
	m.Report, m.Original, m.Text, m.HTML = n.Report, n.Original, n.Text, n.HTML
	m.Notes = append(append(m.Notes, "report taken from the notice that this one encloses"), n.Notes...)
}

// onlyEnclosed returns the enclosed mail of a tree that has exactly one.
func onlyEnclosed(p *mime.Part) *mime.Part {
	if p.Is("message/rfc822") && len(p.Children) == 1 {
		return p.Children[0]
	}
	var found *mime.Part
	for _, c := range p.Children {
		if inner := onlyEnclosed(c); inner != nil {
			if found != nil {
				return nil
			}
			found = inner
		}
	}
	return found
}
