package rules

import (
	"strings"

	"harvester/parse/bounce"
)

// certainties is how much each kind of evidence is worth by itself.
var certainties = [...]float64{
	bounce.ByNothing: 0,
	bounce.ByAction:  0.3,
	bounce.ByCode:    0.4,
	bounce.ByStatus:  0.6,
	bounce.ByRule:    0.95,
}

// What lowers it.
const (
	weakWords  = 0.25 // the words are weak ones
	leftOver   = 0.35 // a clause says something strong that nothing understood
	temporary  = 0.2  // a 4yz reply speaks of an address that is not there
	leastSound = 0.05
)

// mostUnread bounds how many clauses that nobody understood are told.
const mostUnread = 4

// certainty tells how much of the text speaks for the answer, and which
// clauses hold a strong word and were not understood.
func (c *scratch) certainty() (sure float64, unread string) {
	b := &c.best
	sure = certainties[b.by]
	if b.by == bounce.ByRule {
		switch {
		case b.tier == tierToken:
			sure = 1
		case b.stage%stagesPerLevel == stageHint:
			sure -= weakWords
		}
	}
	left := mostUnread
	for i := range c.clauses {
		x := &c.clauses[i]
		if x.own&c.set.strong == 0 || x.spoke || x.has&c.set.maybe != 0 {
			continue
		}
		text := strings.TrimSpace(c.words(span{x.start, x.end}))
		if strings.HasSuffix(text, ":") && i+1 < len(c.clauses) && c.clauses[i+1].spoke {
			continue // a heading leaves it to what stands behind its colon
		}
		if left--; left < 0 {
			break
		}
		if unread != "" {
			unread += "\n"
		}
		unread += text
	}
	if unread != "" {
		sure -= leftOver
	}
	if c.later() {
		sure -= temporary
	}
	if b.by == bounce.ByNothing {
		return 0, unread
	}
	return max(sure, leastSound), unread
}
