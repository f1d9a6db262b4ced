package main

import (
	"fmt"
	"strings"

	"harvester/cmd/harvester/compose"
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
	p.line("%s  %s", c.bold(word), wrap(printable(f.Answer), 78-len(word), len(word)+2))
	p.field("finding", f.ID)
	p.field("incident", f.Incident)
	if cl := f.Claim; cl != nil {
		when := ""
		if !cl.Last.IsZero() {
			when = fmt.Sprintf(", last %s", p.stamp(cl.Last))
		}
		said := cl.Receiver
		if said == "" {
			said = "the receiver"
		}
		p.field("claim", fmt.Sprintf("%s, %s%s: %s", said, count.Of(cl.Count, "time"), when, cl.Sentence))
	}
	if cost := f.Cost; cost != nil && f.Verdict == diagnose.Confirmed {
		p.field("cost", fmt.Sprintf("%s to %s at %s since %s", count.Of(cost.Mails, "mail"), count.Of(cost.Addresses, "address"), count.Of(cost.Receivers, "receiver"), p.stamp(cost.Since)))
	}
	p.field("who acts", ownerWords[f.Owner])
	for i, step := range f.Steps {
		p.field(fmt.Sprintf("step %d", i+1), step)
	}
	for i := range f.Records {
		p.record(&f.Records[i])
	}
	p.field("page", f.Page)
	p.timeline(f)
	for i := range f.Measured {
		if i == 6 {
			p.field("measured", fmt.Sprintf("and %s more, with --json", count.Of(len(f.Measured)-i, "answer")))
			break
		}
		p.measured(&f.Measured[i])
	}
	p.field("source", f.Source)
	p.line("")
}

// record shows what to publish: the line of a zone file, whose strings are
// kept short so that it can be pasted from a terminal.
func (p *page) record(r *diagnose.Change) {
	for _, old := range r.Before {
		p.field("now", fmt.Sprintf("%s %s %s", r.Name, r.Type, old))
	}
	if r.After == "" {
		return
	}
	head := fmt.Sprintf("%s 3600 IN %s", printable(r.Name), r.Type)
	if r.Type != "TXT" {
		p.line("  %-9s %s %s", "publish", head, printable(r.After))
	} else {
		p.line("  %-9s %s (", "publish", head)
		for rest := printable(r.After); ; {
			n := min(len(rest), 60)
			end := ""
			if n == len(rest) {
				end = " )"
			}
			p.line(`            "%s"%s`, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(rest[:n]), end)
			if rest = rest[n:]; rest == "" {
				break
			}
		}
	}
	p.field("note", r.Note)
}

func (p *page) measured(m *diagnose.Measurement) {
	text := m.What + ": " + strings.ReplaceAll(m.State, "_", " ")
	for i, v := range m.Values {
		if i == 4 {
			text += fmt.Sprintf(" and %d more", len(m.Values)-i)
			break
		}
		if len(v) > 300 {
			v = v[:300] + "…"
		}
		text += ` "` + v + `"`
	}
	if m.Note != "" {
		text += "; " + m.Note
	}
	if m.Resolver != "" {
		text += fmt.Sprintf(" (%s, TTL %d, %s)", m.Resolver, m.TTL, p.stamp(m.At))
	}
	p.field("measured", text)
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
			p.field("timeline", p.stamp(m.From)+": "+says)
			continue
		}
		p.field("timeline", fmt.Sprintf("%s: %s until %s", p.stamp(m.From), count.Of(m.Failures, "failure"), p.stamp(m.To)))
	}
}

// diagnosed shows in short what the latest diagnosis found about an incident,
// and the timeline of its records.
func (p *page) diagnosed(list []compose.Looked, incident string) {
	for i := range list {
		x := &list[i]
		if !facts.Watched(incident) {
			p.field("diagnosis", fmt.Sprintf("%s (%s): %s", verdictWord(&x.Full), p.stamp(x.Last), x.Answer))
		}
		p.timeline(&x.Full)
		if x.Verdict == string(diagnose.Refuted) && len(x.Claimed) > 0 {
			p.field("marked", fmt.Sprintf("%s: what was said is not so. Ask there; nothing is to be mended here", strings.Join(x.Claimed, ", ")))
		}
	}
	if len(list) == 0 && !facts.Watched(incident) {
		p.field("diagnosis", "none yet: harvester diagnose "+incident)
	}
}
