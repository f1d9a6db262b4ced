package rules

import (
	"fmt"
	"slices"

	"harvester/parse/bounce"
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
	type place struct{ stage, rule int }
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
		st := Step{Tier: tier(c.stage, c.rank), Reason: c.reason, Evidence: text.evidence(c)}
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

// lost says by what c lost against the winner.
func (a *candidate) lost(w *candidate) string {
	switch {
	case a.stage != w.stage:
		return "lost: " + tier(w.stage, w.rank) + " comes before " + tier(a.stage, a.rank)
	case a.rank != w.rank:
		return "lost: what accuses the sender comes before what accuses the recipient"
	case a.length != w.length:
		return fmt.Sprintf("lost: %d letters matched, the winner has %d", a.length, w.length)
	case a.specific != w.specific:
		return "lost: the winner has more conditions"
	default:
		return "lost: order of id"
	}
}

// tier names a stage of the precedence.
func tier(stage int, rank uint8) string {
	switch {
	case stage >= stageAction:
		return "action"
	case stage >= stageReply:
		return "reply code"
	case stage >= stageWeak:
		return "ambiguous status code"
	}
	name := [...]string{"vendor token", "vendor phrase", "generic phrase", "status code in the text", "Status field", "weak phrase"}[stage%stagesPerLevel]
	if stage%stagesPerLevel == stageGeneric {
		name += [...]string{", sender side", ", path", ", full mailbox", ", recipient side", ", later"}[rank]
	}
	if depth := stage / stagesPerLevel; depth > 0 {
		name += fmt.Sprintf(" (quoting reply %d)", depth)
	}
	return name
}
