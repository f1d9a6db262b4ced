package report

import (
	"harvester/parse/count"
	"harvester/store/policy"
	"harvester/store/query"
)

// waiting tells of verdicts that rest on what anybody can have written, when
// more came than are believed within an hour.
func (r *Report) waiting(f query.ReportFacts) {
	if n := f.Today.Waiting; n > 0 {
		r.raise(Alarm{ID: "forgeable", Severity: Warn, Text: count.Of(n, "verdict") + " " + count.Verb(n, "waits", "wait") + " for you: many notices at once that anybody can have written", Value: float64(n), Limit: 1,
			Next: "harvester holds list; harvester holds release forgeable"})
	}
}

// proven says which level of proof the failures of the last days met, what rests
// on less, and what raises it.
func proven(l *query.Levels, asked policy.Proof) Proven {
	p := Proven{Days: l.Days, Level: l.Met().String(), Levels: []Count{}, Advice: []string{}}
	p.Weak, p.Entries = l.Weak()
	if len(l.Failed) == 0 && p.Entries == 0 {
		p.Level = ""
		return p
	}
	for _, level := range [...]policy.Proof{policy.ProofSigned, policy.ProofLedger, policy.ProofAuthentic, policy.ProofReturned} {
		if n := l.Failed[level]; n > 0 {
			p.Levels = append(p.Levels, Count{Name: level.String(), N: n})
		}
	}
	for _, a := range l.Advice(asked) {
		p.Advice = append(p.Advice, oneLine(a))
	}
	return p
}

func (p *printer) proven(r *Report) {
	if len(r.Proof.Advice) == 0 {
		return
	}
	p.line("PROOF   (docs/proof.md)")
	for _, a := range r.Proof.Advice {
		p.wrapped(" ", "   ", a)
	}
	p.line("")
}
