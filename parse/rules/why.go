package rules

import (
	"fmt"
	"slices"

	"harvester/parse/bounce"
	"harvester/parse/count"
)

// Step is one thing that spoke for a reason, in order of precedence.
type Step struct {
	Tier     string        // of the precedence, such as "vendor token"
	Rule     string        // id, "" for a code's own meaning
	Reason   bounce.Reason // that it speaks for
	Evidence string        // the words or the code
	Won      bool
	Why      string // why it won or lost
}

func (s Step) String() string {
	mark := " "
	if s.Won {
		mark = "*"
	}
	name := s.Rule
	if name == "" {
		name = "-"
	}
	return fmt.Sprintf("%s %-34s %-20s %-32s %q: %s", mark, s.Tier, s.Reason, name, s.Evidence, s.Why)
}

// Why returns every step of the precedence for q, the winner first, then the
// losers with what they lost by.
func (s *Set) Why(q Query) []Step {
	var all []candidate
	s.decide(q, func(c candidate) { all = append(all, c) })
	slices.SortStableFunc(all, func(a, b candidate) int {
		switch {
		case (a.refused == "") != (b.refused == ""):
			if a.refused == "" {
				return -1
			}
			return 1
		case a.beats(&b.standing):
			return -1
		case b.beats(&a.standing):
			return 1
		}
		return 0
	})
	// A rule is found at many places: the strongest one counts.
	type place struct {
		stage int32
		rule  int
	}
	shown := map[place]bool{}
	all = slices.DeleteFunc(all, func(c candidate) bool {
		p := place{c.stage, c.rule}
		again := shown[p] && c.rule != noRule
		shown[p] = true
		return again
	})
	text := scratch{text: repair(q.Text)}
	steps := make([]Step, len(all))
	for i := range all {
		c := &all[i]
		st := Step{Tier: c.tierName(), Reason: c.reason, Evidence: text.evidence(c)}
		if c.rule != noRule {
			st.Rule = s.rules[c.rule].ID
		}
		switch {
		case c.refused != "":
			st.Why = "does not apply: " + c.refused
		case i == 0:
			st.Won, st.Why = true, "the strongest of all"
		default:
			st.Why = c.lost(&all[0])
		}
		steps[i] = st
	}
	return steps
}

// lost says by what a lost against the winner.
func (a *candidate) lost(w *candidate) string {
	switch {
	case a.accused != w.accused:
		return "lost: what accuses " + accusedNames[w.accused] + " beats what accuses " + accusedNames[a.accused] + ", in any order"
	case a.stage != w.stage || a.rank != w.rank:
		return "lost: " + w.tierName() + " comes before " + a.tierName()
	case a.tier != w.tier:
		return "lost: " + tierNames[w.tier] + " comes before " + tierNames[a.tier]
	case a.length != w.length:
		return fmt.Sprintf("lost: %s matched, the winner has %d", count.Of(a.length, "letter"), w.length)
	case a.specific != w.specific:
		return "lost: the winner has more conditions"
	default:
		return "lost: order of id"
	}
}

var (
	accusedNames = [...]string{"the sender", "the message", "nobody by name", "the recipient or the path"}
	tierNames    = [...]string{"vendor token", "vendor phrase", "generic phrase", "words of a clause", "greeting"}
	restNames    = [...]string{"refusal", "path", "full mailbox", "not now", "recipient's wish", "dead address", "gave up"}
)

// tierName names where a candidate stands in the precedence.
func (s *standing) tierName() string {
	switch {
	case s.stage >= stageAction:
		return "action"
	case s.stage >= stageReply:
		return "reply code"
	case s.stage >= stageWeak:
		return "ambiguous status code"
	}
	name := ""
	switch s.stage % stagesPerLevel {
	case stageCode:
		name = "status code in the text"
	case stageField:
		name = "Status field"
	default:
		name = tierNames[s.tier]
		if s.stage%stagesPerLevel == stageHint {
			name = "weak " + name
		}
		switch {
		case s.accused != accusesOther:
			name += ", " + accusedNames[s.accused]
		case int(s.rank) < len(restNames):
			name += ", " + restNames[s.rank]
		}
	}
	if depth := s.stage / stagesPerLevel; depth > 0 {
		name += fmt.Sprintf(" (quoting reply %d)", depth)
	}
	return name
}
