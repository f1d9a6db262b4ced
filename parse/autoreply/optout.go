package autoreply

import (
	"fmt"
	"strings"
)

// An opt-out is short. What is longer talks of other things.
const (
	maxOptOutLines = 6   // of a text that can ask to be taken off
	maxOptOutBytes = 500 // of the same
)

// optOut finds a request to be taken off, in the text that the writer wrote: a
// footer of ours in the quote below holds the same words.
func (r *reader) optOut() (Verdict, bool) {
	if r.m.From == "" || r.f.list || r.f.bulk {
		return Verdict{}, false
	}
	own, _ := r.own()
	own, _, _ = strings.Cut(own, "\n-- \n")
	if len(own) > 4*maxOptOutBytes {
		return Verdict{}, false
	}
	lines := 0
	for line := range strings.Lines(own) {
		line = strings.Trim(fold(line), " .!")
		if line == "" {
			continue
		}
		if lines++; lines > maxOptOutLines {
			return Verdict{}, false
		}
		if i, ok := r.wholes[line]; ok && lines <= 3 {
			return Verdict{Kind: r.subjects[i].Kind, Why: fmt.Sprintf("text %q%s", line, language(r.subjects[i].Lang))}, true
		}
	}
	folded := fold(own)
	if len(folded) > maxOptOutBytes {
		return Verdict{}, false
	}
	for _, p := range r.phrases {
		if r.texts[p.sign].Kind != unsubscribe {
			continue
		}
		if p.in(folded) {
			return Verdict{Kind: unsubscribe, Why: fmt.Sprintf("text %q", strings.Join(p.parts, " ... "))}, true
		}
	}
	return Verdict{}, false
}
