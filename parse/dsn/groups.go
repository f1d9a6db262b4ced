package dsn

import (
	"strings"

	"harvester/parse/mime"
)

// field says what a name means for the shape of the report.
type field uint8

const (
	other     field = iota // may stand in any group
	message                // RFC 3464 §2.2
	final                  // Final-Recipient
	original               // Original-Recipient
	action                 // Action
	status                 // Status
	recipient              // other per-recipient fields, RFC 3464 §2.3
)

func fieldOf(name string) field {
	// Told by length first, since most names are none of these.
	switch len(name) {
	case 6:
		if strings.EqualFold(name, "Action") {
			return action
		}
		if strings.EqualFold(name, "Status") {
			return status
		}
	case 10:
		if strings.EqualFold(name, "Remote-MTA") {
			return recipient
		}
	case 11:
		if strings.EqualFold(name, "DSN-Gateway") {
			return message
		}
	case 12:
		if strings.EqualFold(name, "Arrival-Date") {
			return message
		}
		if strings.EqualFold(name, "Final-Log-ID") {
			return recipient
		}
	case 13:
		if strings.EqualFold(name, "Reporting-MTA") {
			return message
		}
	case 15:
		if strings.EqualFold(name, "Final-Recipient") {
			return final
		}
		if strings.EqualFold(name, "Diagnostic-Code") {
			return recipient
		}
	case 16:
		if strings.EqualFold(name, "Will-Retry-Until") {
			return recipient
		}
	case 17:
		if strings.EqualFold(name, "Last-Attempt-Date") {
			return recipient
		}
		if strings.EqualFold(name, "Received-From-MTA") {
			return message
		}
	case 18:
		if strings.EqualFold(name, "Original-Recipient") {
			return original
		}
		if strings.EqualFold(name, "X-Actual-Recipient") {
			return recipient
		}
	case 20:
		if strings.EqualFold(name, "Original-Envelope-Id") {
			return message
		}
	}
	return other
}

func known(name string) bool { return fieldOf(name) != other }

// maxFields bounds one group; honest ones have a dozen.
const maxFields = 500

// group is one recipient's fields while they are read.
type group struct {
	fields mime.Header
	has    [recipient + 1]bool
}

func (g *group) add(f mime.Field, kind field) {
	if g.fields == nil {
		g.fields = make(mime.Header, 0, 8)
	}
	if len(g.fields) < maxFields {
		g.fields = append(g.fields, f)
	}
	g.has[kind] = true
}

// complete tells whether the group names somebody and what became of him, so
// that a blank line may end it.
func (g *group) complete() bool {
	return (g.has[final] || g.has[original]) && (g.has[action] || g.has[status])
}

// builder cuts the fields of a status part into groups. Blank lines are a hint
// only: real ones are missing, doubled, or stand inside a group. What counts
// is that a recipient, an action or a status comes again.
type builder struct {
	r     *Report
	g     group
	open  bool        // a recipient's group has begun
	blank bool        // a blank line stood before the current field
	any   bool        // a field was read
	lead  mime.Header // fields behind a blank line of which it is not yet known whose they are
}

func (b *builder) field(f mime.Field) {
	kind := fieldOf(f.Name)
	switch {
	case kind == message, !b.open && kind == other && !b.blank:
		if len(b.r.Fields) < maxFields {
			b.r.Fields = append(b.r.Fields, f)
		}
		return
	case kind == other && b.blank:
		if len(b.lead) < maxFields {
			b.lead = append(b.lead, f)
		}
		return
	}
	switch {
	case !b.open:
		if !b.blank && len(b.r.Fields) > 0 {
			b.r.addNote("recipient's group split from the per-message fields")
		}
		b.open = true
	case b.begins(kind):
		b.next()
	}
	for _, l := range b.lead {
		b.g.add(l, other)
	}
	b.lead, b.blank = nil, false
	b.g.add(f, kind)
}

// begins tells whether a field of this kind begins the next group.
func (b *builder) begins(kind field) bool {
	switch kind {
	case final, original:
		return b.g.has[kind] || b.blank && b.g.complete()
	case action, status:
		return b.g.has[kind] && b.blank
	}
	return false
}

// next closes the group and opens another one.
func (b *builder) next() {
	var carried *mime.Field
	// QUIRK: Exim writes Action before Final-Recipient. Without a blank line
	// the last of two belongs to what follows.
	if n := len(b.g.fields); !b.blank && n > 1 && fieldOf(b.g.fields[n-1].Name) == action && b.g.fields[:n-1].Has("Action") {
		f := b.g.fields[n-1]
		carried = &f
		b.g.fields = b.g.fields[:n-1]
	}
	if !b.blank {
		b.r.addNote("recipients' groups without a blank line between them")
	}
	b.close()
	b.g = group{}
	if carried != nil {
		b.g.add(*carried, action)
	}
}

// close turns the group into a recipient.
func (b *builder) close() {
	if len(b.g.fields) == 0 {
		return
	}
	if len(b.r.Recipients) >= MaxRecipients {
		b.r.addNote("recipient limit reached, further groups not read")
		return
	}
	b.r.Recipients = append(b.r.Recipients, b.r.recipient(b.g.fields))
}

// parse reads fields and groups.
func parse(text string) *Report {
	r := &Report{}
	b := builder{r: r}
	var name, value string
	var folded []byte // value and the lines joined to it, when there are any
	flush := func() {
		if len(folded) > 0 {
			value = string(folded)
		}
		if name != "" {
			b.field(mime.Field{Name: name, Value: value})
			b.any = true
		}
		name, value, folded = "", "", folded[:0]
	}
	gap := false // nothing but blank lines since the last field
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		trimmed := strings.TrimSpace(line)
		if trimmed == "" {
			flush()
			gap = true
			if b.any {
				b.blank = true
			}
			continue
		}
		continued := line[0] == ' ' || line[0] == '\t'
		n := ""
		if !continued || name == "" {
			n = mime.FieldName(trimmed)
			if n != "" && !plausible(n, name) {
				n = ""
			}
		}
		switch {
		case n != "":
			flush()
			gap = false
			name = n
			value = strings.TrimSpace(trimmed[strings.IndexByte(trimmed, ':')+1:])
		case name != "" && !gap:
			kind := fieldOf(name)
			typed := kind == final || kind == original
			if !continued {
				if typed { // nothing may be glued to an address by accident
					r.addNote("line that is no field skipped")
					continue
				}
				r.addNote("unfolded line joined to its field")
			}
			if len(folded) == 0 {
				folded = append(folded, value...)
			}
			if len(folded) < maxValue {
				switch {
				case typed:
					folded = append(folded, fold)
				case len(folded) > 0:
					folded = append(folded, ' ')
				}
				folded = append(folded, trimmed...)
			}
		}
	}
	flush()
	if b.open {
		for _, l := range b.lead {
			b.g.add(l, other)
		}
		b.close()
	} else {
		r.Fields = append(r.Fields, b.lead...)
	}
	r.ReportingMTA = mtaName(r.Fields.Get("Reporting-MTA"))
	r.EnvelopeID = xtext(r.Fields.Get("Original-Envelope-Id"))
	r.Arrival = mime.Date(r.Fields.Get("Arrival-Date"))
	return r
}

// fold stands for a fold inside an address until the address is read, since
// the fold may stand inside a word.
const fold = '\n'

// maxValue bounds what is joined to one field.
const maxValue = 64 << 10

// plausible tells a field from a line of an unfolded diagnostic that happens
// to have a colon behind its first word (`said: no such user`).
func plausible(name, previous string) bool {
	if previous == "" || known(name) {
		return true
	}
	c := name[0] | 0x20
	return c >= 'a' && c <= 'z' && strings.IndexByte(name, '-') > 0 && strings.IndexByte(name, '@') < 0 && strings.IndexByte(name, '.') < 0
}
