package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"harvester/store/facts"
)

// Finding is what a look at DNS said about a cause, or about a record of ours
// that the watch looks at.
type Finding struct {
	ID       string    `json:"id"`       // "spf.missing_ip"
	Incident string    `json:"incident"` // "": nothing failed for it as yet
	Subject  string    `json:"subject"`
	Verdict  string    `json:"verdict"` // confirmed, refuted, mended_since, cannot_tell
	Answer   string    `json:"answer"`
	Owner    string    `json:"owner"` // who must act
	Fault    bool      `json:"fault"` // something is to be mended
	Since    time.Time `json:"since"` // when the verdict was found
	Looked   time.Time `json:"looked"`
	Ended    time.Time `json:"ended,omitzero"` // within the span of the report
	Steps    []string  `json:"steps"`
}

const maxFindings = 12 // findings that a report lists
// owners are those who must act, in words.
var owners = map[string]string{"us_dns": "our DNS", "us_mail": "our mail server", "provider": "who gave us the address", "service": "the service that sends for us",
	"forwarder": "who passed it on", "receiver": "the receiver", "recipient_side": "the recipient's administrator", "list_operator": "who runs the list"}

// findings are those to be mended first, then what was refuted or mended; what
// nobody has to act on is left out.
func findings(list []facts.Finding, o Options) []Finding {
	out := []Finding{}
	for i := range list {
		f := &list[i]
		if f.Verdict == "confirmed" && !f.Fault || f.Scope == facts.WatchScope && !f.Fault {
			continue
		}
		x := Finding{ID: f.ID, Incident: f.Scope, Subject: oneLine(f.Subject), Verdict: f.Verdict, Answer: o.Addresses.text(f.Answer), Owner: f.Owner, Fault: f.Fault,
			Since: f.Opened.In(o.Location), Looked: f.Last.In(o.Location), Steps: []string{}}
		if f.Scope == facts.WatchScope {
			x.Incident = ""
		}
		if !f.Closed.IsZero() {
			x.Ended = f.Closed.In(o.Location)
		}
		for _, s := range f.Steps {
			x.Steps = append(x.Steps, o.Addresses.text(s))
		}
		out = append(out, x)
	}
	rank := func(f *Finding) int {
		switch {
		case f.Fault && f.Ended.IsZero():
			return 0
		case f.Verdict == "refuted":
			return 1
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return rank(&a) - rank(&b) })
	return out[:min(len(out), maxFindings)]
}

// head says what was looked at and what came of it.
func (f *Finding) head() string {
	s := strings.ReplaceAll(f.Verdict, "_", " ")
	if f.Ended.IsZero() {
		s += " since " + stamp(f.Since)
	} else {
		s = "ended " + stamp(f.Ended)
	}
	if who := owners[f.Owner]; who != "" && (f.Fault || f.Verdict == "refuted") && f.Ended.IsZero() {
		s += "; to act: " + who
	}
	return f.Subject + ": " + s
}

// domainOf is the domain whose record a finding is about.
func domainOf(subject string) string {
	if _, domain, key := strings.Cut(subject, "._domainkey."); key {
		return domain
	}
	return subject
}

func (p *printer) findings(r *Report) {
	if len(r.Findings) == 0 {
		return
	}
	p.line("CHECKED   (by DNS: harvester diagnose)")
	for i := range r.Findings {
		f := &r.Findings[i]
		p.wrapped(" * ", "   ", f.Answer)
		p.wrapped("   ", "   ", clip(f.head(), 3*(lineWidth-5)))
		if f.Fault && f.Ended.IsZero() {
			for i, s := range f.Steps {
				p.wrapped(fmt.Sprintf("   %d. ", i+1), "      ", s)
			}
		}
	}
	p.line("")
}

// checked raises what the watch found before anything failed for it; what was
// confirmed about a cause makes that one's alarm urgent.
func (r *Report) checked() {
	for i := range r.Findings {
		f := &r.Findings[i]
		if !f.Fault || !f.Ended.IsZero() {
			continue
		}
		if f.Incident == "" {
			r.raise(Alarm{ID: "watch." + f.ID + ":" + f.Subject, Severity: Warn, Text: f.Answer, Value: 1, Limit: 1, Next: "harvester diagnose " + domainOf(f.Subject)})
			continue
		}
		cause, _, _ := strings.Cut(f.Incident, ":")
		for j := range r.Alarms {
			if a := &r.Alarms[j]; a.ID == "cause."+cause {
				a.Severity, a.Next = Crit, "confirmed by DNS: see \"checked\""
			}
		}
	}
}
