package rules

import (
	"fmt"

	"harvester/parse/bounce"
)

// Failure is an example that its rule does not win, or a counter-example that
// it does.
type Failure struct {
	Rule Rule
	Text string
	Want string // what the rule file says
	Got  Answer
}

func (f Failure) String() string {
	got := f.Got.Rule
	if got == "" {
		got = "no rule"
	}
	return fmt.Sprintf("%s:%d: rule %q: %s, but %s decides %s on %q: %q",
		f.Rule.File, f.Rule.Line, f.Rule.ID, f.Want, got, f.Got.Reason, f.Got.Evidence, f.Text)
}

// Test classifies every example and counter-example of every rule.
func (s *Set) Test() []Failure {
	var failures []Failure
	for i := range s.rules {
		r := &s.rules[i]
		for _, text := range r.Examples {
			if a := s.Classify(s.exampleQuery(r, text)); a.Rule != r.ID {
				failures = append(failures, Failure{*r, text, "must win this example", a})
			}
		}
		for _, text := range r.Not {
			if a := s.Classify(s.exampleQuery(r, text)); a.Rule == r.ID {
				failures = append(failures, Failure{*r, text, "must not win this counter-example", a})
			}
		}
	}
	return failures
}

// exampleQuery asks for a text as the rule's own host would say it: a host of
// its scope where the rule has one.
func (s *Set) exampleQuery(r *Rule, text string) Query {
	q := Query{Text: text, Action: bounce.ActionNone}
	switch {
	case r.scope != noScope:
		q.RemoteMTA = s.hosts.sample(r.scope)
	case r.Scoped:
		q.RemoteMTA = s.hosts.sample(r.vendor)
	}
	return q
}
