package report

import (
	"fmt"
	"slices"
	"strings"
)

// Mend is what has to be mended on our side, by what mends it: a blocklist is
// left in the same way whichever it is.
type Mend struct {
	Group    string   `json:"group"` // that of its causes
	Title    string   `json:"title"`
	Severity Severity `json:"severity"` // the worst of its causes
	N        int      `json:"n"`        // mails
	Causes   []string `json:"causes"`   // by id, worst first
	Steps    []string `json:"steps"`    // each once, those of the worst cause first
	Pages    []string `json:"pages"`
}

// groupTitles are what the groups of causes are called.
var groupTitles = map[string]string{
	"spf": "SPF", "dkim": "DKIM", "dmarc": "DMARC", "ptr": "reverse DNS", "auth": "authentication", "blocklist": "blocklists", "reputation": "reputation",
	"vendor": "a provider's own rules", "account": "our account at a sender", "rate": "how fast we send", "content": "what we send", "tls": "TLS",
	"protocol": "how we speak SMTP", "policy": "their policy", "path": "our own path to others",
}

// mend groups causes, which come worst first.
func mend(causes []Cause) []Mend {
	out := []Mend{}
	for i := range causes {
		c := &causes[i]
		at := slices.IndexFunc(out, func(m Mend) bool { return m.Group == c.Group })
		if at < 0 {
			title := groupTitles[c.Group]
			if title == "" {
				title = c.Group
			}
			at = len(out)
			out = append(out, Mend{Group: c.Group, Title: title, Severity: c.Severity, Causes: []string{}, Steps: []string{}, Pages: []string{}})
		}
		m := &out[at]
		m.N += c.N
		m.Causes = append(m.Causes, c.ID)
		for _, s := range c.Steps {
			if !slices.Contains(m.Steps, s) {
				m.Steps = append(m.Steps, s)
			}
		}
		if c.Page != "" && !slices.Contains(m.Pages, c.Page) {
			m.Pages = append(m.Pages, c.Page)
		}
	}
	return out
}

// of are the causes of a group, worst first.
func (r *Report) of(m *Mend) []*Cause {
	var out []*Cause
	for i := range r.Causes {
		if r.Causes[i].Group == m.Group {
			out = append(out, &r.Causes[i])
		}
	}
	return out
}

// What a reader is shown of a group; the page and the JSON have all of it.
const (
	shownSteps  = 4
	shownPages  = 2
	shownInHTML = 6 // steps
)

// mends writes what has to be mended: a line for each cause, the steps once for
// all that the same mends, and what one of them said.
func (p *printer) mends(r *Report) {
	if len(r.Mend) == 0 {
		return
	}
	p.line("TO MEND ON OUR SIDE   (nobody was suppressed for these)")
	for i := range r.Mend {
		m := &r.Mend[i]
		p.line(" %s", strings.ToUpper(m.Title[:1])+m.Title[1:])
		for _, c := range r.of(m) {
			mark := "   "
			if c.Severity != OK {
				mark = " ! "
			}
			p.wrapped(mark, "     ", fmt.Sprintf("%s: %s at %s, %s%s", c.Title, mails(c.N), list(c.Receivers, 2), c.when(), named(c)))
		}
		for k, s := range m.Steps[:min(len(m.Steps), shownSteps)] {
			p.wrapped(fmt.Sprintf("   %d. ", k+1), "      ", s)
		}
		if more := len(m.Steps) - shownSteps; more > 0 {
			p.line("      and %d more: harvester incidents show %s", more, r.of(m)[shownOne(r, m)].ID)
		}
		for _, page := range m.Pages[:min(len(m.Pages), shownPages)] {
			p.wrapped("   -> ", "      ", page)
		}
		if s := r.of(m)[0].Sample; s != "" {
			p.wrapped("   | ", "   | ", clip(s, 2*(lineWidth-5)))
		}
		p.line("")
	}
}

// shownOne is the cause of a group whose steps are shown only in part.
func shownOne(r *Report, m *Mend) int {
	for i, c := range r.of(m) {
		if slices.ContainsFunc(c.Steps, func(s string) bool { return slices.Index(m.Steps, s) >= shownSteps }) {
			return i
		}
	}
	return 0
}

func named(c *Cause) string {
	if len(c.Named) == 0 {
		return ""
	}
	return ", names " + strings.Join(c.Named, " ")
}
