package report

import (
	"harvester/parse/count"
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
