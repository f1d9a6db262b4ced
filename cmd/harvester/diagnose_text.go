package main

import (
	"fmt"
	"strings"

	"harvester/cmd/harvester/compose"
	"harvester/parse/columns"
	"harvester/parse/count"
	"harvester/schedule/diagnose"
	"harvester/store/facts"
)

var claimWords = map[diagnose.Verdict]string{diagnose.Confirmed: "confirmed", diagnose.Refuted: "refuted", diagnose.Mended: "mended since", diagnose.CannotTell: "cannot tell"}

// bareVerdicts are the words where nobody claims anything.
var bareVerdicts = map[diagnose.Verdict]string{diagnose.Confirmed: "fault", diagnose.Refuted: "fine", diagnose.Mended: "mended since", diagnose.CannotTell: "cannot tell"}

var ownerWords = map[diagnose.Owner]string{
	diagnose.UsDNS: "you, in your DNS", diagnose.UsMail: "you, at your mail server", diagnose.Provider: "your provider, who gave you the address",
	diagnose.Service: "the service that sends for you", diagnose.Forwarder: "whoever forwards the mail", diagnose.Receiver: "the receiver",
	diagnose.RecipientSide: "the recipient's administrator", diagnose.ListOperator: "who runs the blocklist",
}

// verdictWord is a verdict in words.
func verdictWord(f *diagnose.Finding) string {
	if f.Advice && f.Verdict == diagnose.Confirmed {
		return "advice"
	}
	if f.Claim == nil {
		return bareVerdicts[f.Verdict]
	}
	return claimWords[f.Verdict]
}

// finding shows one finding in at most 80 columns.
func (p *page) finding(f *diagnose.Finding, c colours) {
	word := verdictWord(f)
	p.block(c.bold(word)+"  ", len(word)+2, f.Answer)
	p.told("finding", f.ID)
	p.told("incident", f.Incident)
	if cl := f.Claim; cl != nil {
		when := ""
		if !cl.Last.IsZero() {
			when = fmt.Sprintf(", last %s", p.stamp(cl.Last))
		}
		said := cl.Receiver
		if said == "" {
			said = "the receiver"
		}
		p.told("claim", fmt.Sprintf("%s, %s%s: %s", said, count.Of(cl.Count, "time"), when, cl.Sentence))
	}
	if cost := f.Cost; cost != nil && f.Verdict == diagnose.Confirmed {
		p.told("cost", fmt.Sprintf("%s to %s at %s since %s", count.Of(cost.Mails, "mail"), count.Of(cost.Addresses, "address"), count.Of(cost.Receivers, "receiver"), p.stamp(cost.Since)))
	}
	p.told("who acts", ownerWords[f.Owner])
	for i, step := range f.Steps {
		p.told(fmt.Sprintf("step %d", i+1), step)
	}
	for i := range f.Records {
		p.record(&f.Records[i])
	}
	p.told("page", f.Page)
	p.timeline(f)
	for i := range f.Measured {
		if i == 6 {
			p.told("measured", fmt.Sprintf("and %s more, with --json", count.Of(len(f.Measured)-i, "answer")))
			break
		}
		p.measured(&f.Measured[i])
	}
	p.told("source", f.Source)
	p.line("")
}

const (
	textWidth = 80
	indent    = 12 // of what is told behind a name
)

// told shows text from outside behind a name.
func (p *page) told(name, v string) { p.block(fmt.Sprintf("  %-9s ", name), indent, v) }

// block shows text from outside, which may be anything, behind a head that is
// some columns wide: no line is wider than textWidth, but for a link, which must
// stay whole to be copied.
func (p *page) block(head string, wide int, v string) {
	for _, line := range columns.Wrap(printable(v), textWidth-wide) {
		if n := columns.Of(line); n > textWidth-wide {
			if head != "" {
				p.line("%s", strings.TrimRight(head, " "))
			}
			p.line("%*s%s", max(0, textWidth-n), "", line)
		} else if head != "" {
			p.line("%s%s", head, line)
		} else {
			p.line("%*s%s", wide, "", line)
		}
		head = ""
	}
}

// record shows what to publish: the line of a zone file, whose strings are
// kept short so that it can be pasted from a terminal.
func (p *page) record(r *diagnose.Change) {
	for _, old := range r.Before {
		p.told("now", fmt.Sprintf("%s %s %s", r.Name, r.Type, old))
	}
	if r.After == "" {
		return
	}
	name, open, data := printable(r.Name), "", printable(r.After)
	if r.Type == "TXT" {
		open = " ("
	}
	switch head := fmt.Sprintf("%s 3600 IN %s%s", name, r.Type, open); {
	case r.Type != "TXT":
		p.line("  %-9s %s %s", "publish", head, data)
		p.told("note", r.Note)
		return
	case columns.Of(head) <= textWidth-indent:
		p.line("  %-9s %s", "publish", head)
	default: // a long name has a line of its own
		p.line("  %s\n%s (\n%*s3600 IN %s", "publish", name, indent, "", r.Type)
	}
	for data = zoneText.Replace(data); ; {
		n := columns.Fit(data, 60)
		if esc := data[:n]; n < len(data) && (len(esc)-len(strings.TrimRight(esc, `\`)))%2 == 1 {
			n-- // what is escaped stays with its backslash
		}
		end := ""
		if n == len(data) {
			end = " )"
		}
		p.line(`%*s"%s"%s`, indent, "", data[:n], end)
		if data = data[n:]; data == "" {
			break
		}
	}
	p.told("note", r.Note)
}

var zoneText = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func (p *page) measured(m *diagnose.Measurement) {
	text := m.What + ": " + strings.ReplaceAll(m.State, "_", " ")
	for i, v := range m.Values {
		if i == 4 {
			text += fmt.Sprintf(" and %d more", len(m.Values)-i)
			break
		}
		if len(v) > 300 {
			v = strings.ToValidUTF8(v[:300], "") + "…"
		}
		text += ` "` + v + `"`
	}
	if m.Note != "" {
		text += "; " + m.Note
	}
	if m.Resolver != "" {
		text += fmt.Sprintf(" (%s, TTL %d, %s)", m.Resolver, m.TTL, p.stamp(m.At))
	}
	p.told("measured", text)
}

// timeline shows what the records said, and the failures beside them.
func (p *page) timeline(f *diagnose.Finding) {
	for i := range f.Timeline {
		m := &f.Timeline[i]
		if m.Failures == 0 {
			says := m.Says()
			if len(says) > 300 {
				says = strings.ToValidUTF8(says[:300], "") + "…"
			}
			p.told("timeline", p.stamp(m.From)+": "+says)
			continue
		}
		p.told("timeline", fmt.Sprintf("%s: %s until %s", p.stamp(m.From), count.Of(m.Failures, "failure"), p.stamp(m.To)))
	}
}

// diagnosed shows in short what the latest diagnosis found about an incident,
// and the timeline of its records.
func (p *page) diagnosed(list []compose.Looked, incident string) {
	for i := range list {
		x := &list[i]
		if !facts.Watched(incident) {
			p.told("diagnosis", fmt.Sprintf("%s (%s): %s", verdictWord(&x.Full), p.stamp(x.Last), x.Answer))
		}
		p.timeline(&x.Full)
		if x.Verdict == string(diagnose.Refuted) && len(x.Claimed) > 0 {
			p.told("marked", fmt.Sprintf("%s: what was said is not so. Ask there; nothing is to be mended here", strings.Join(x.Claimed, ", ")))
		}
	}
	if len(list) == 0 && !facts.Watched(incident) {
		p.told("diagnosis", "none yet: harvester diagnose "+incident)
	}
}
