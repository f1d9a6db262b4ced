// Package scrub takes out of mail what names somebody: for samples that leave
// the house, and for telling which replies are one template.
package scrub

import (
	"regexp"
	"strings"
	"sync"
)

// masks are what differs from reply to reply, widest first: each is replaced
// by a word, so that replies of one template become equal and nobody is named.
// They are compiled when they are needed: few commands need them.
var masks = sync.OnceValue(func() []mask {
	return []mask{
		{regexp.MustCompile(`(?i)\bhttps?://[^\s<>"']+`), "URL"},
		{regexp.MustCompile(`(?:"[^"\s]{1,64}"|[^\s<>()\[\]:;,"'=]{1,64})@[\pL\pN](?:[\pL\pN.-]*[\pL\pN])?`), "ADDRESS"},
		{regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b`), "IP"},
		{regexp.MustCompile(`(?i)\b(?:[0-9a-f]{1,4}:){2,7}[0-9a-f:]{0,5}\b`), "IP"},
		{regexp.MustCompile(`(?i)\b(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)+(?:[a-z]{2,24}|xn--[a-z0-9-]+)\b`), "HOST"},
		{regexp.MustCompile(`(?i)\b\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d)?)?z?\b|\b\d{1,2}:\d\d(?::\d\d)?\b`), "TIME"},
		{regexp.MustCompile(`\b[A-Za-z0-9_+/-]*(?:\d[A-Za-z_+/-]+\d|[A-Za-z]\d[A-Za-z]|\d{5,})[A-Za-z0-9_+/=-]*\b`), "ID"},
	}
})

type mask struct {
	re *regexp.Regexp
	to string
}

// status keeps reply and status codes apart from other numbers: they are what
// a rule may need.
var (
	leading = regexp.MustCompile(`^\s*[245]\d\d[ -](?:#?[245]\.\d{1,3}\.\d{1,3})?`)
	number  = regexp.MustCompile(`\d+`)
)

// Template masks what differs from reply to reply: replies of one template
// become equal, and nobody is named.
func Template(text string) string {
	codes := strings.TrimSpace(leading.FindString(text))
	rest := text[len(leading.FindString(text)):]
	for _, m := range masks() {
		rest = m.re.ReplaceAllString(rest, m.to)
	}
	rest = number.ReplaceAllString(rest, "N")
	return strings.Join(strings.Fields(codes+" "+rest), " ")
}

// Phrase is the longest run of words of a template that never differs: what a
// rule could look for.
func Phrase(template string) string {
	rest := template[len(leading.FindString(template)):]
	best := ""
	for _, run := range variable.Split(rest, -1) {
		run = strings.Trim(strings.ToLower(run), " .,:;<>()[]\"'-")
		if len(run) > len(best) {
			best = run
		}
	}
	return best
}

var variable = regexp.MustCompile(`\b(?:URL|ADDRESS|IP|HOST|TIME|ID|N)\b`)
