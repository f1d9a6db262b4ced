package query

import (
	"context"
	"database/sql"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
	"strings"
	"time"
)

// watchIncidents are the faults that the watch found in our own records, with
// or without any failure.
func watchIncidents(ctx context.Context, q engine.Querier, wanted func(*Incident) bool) ([]Incident, error) {
	list, err := facts.FindingsIn(ctx, q, facts.WatchScope, time.Time{})
	if err != nil {
		return nil, err
	}
	var out []Incident
	for _, f := range list {
		if !f.Fault {
			continue
		}
		check, _, _ := strings.Cut(f.ID, ".")
		in := Incident{ID: f.Incident(), Domain: f.Subject, Opened: f.Opened, LastSeen: f.Last, Closed: f.Closed,
			Cause: policy.Cause{ID: "watch." + f.ID, Group: check, Title: f.Answer, Steps: f.Steps},
			Hours: []policy.Tally{}, Includes: []string{}, Named: []string{f.Subject}, Receivers: []string{}, Acts: []IncidentAct{}}
		if !in.Closed.IsZero() {
			in.ClosedBy = "mended"
		}
		if !wanted(&in) {
			continue
		}
		rows, err := q.QueryContext(ctx, `SELECT at, act, text, author FROM incident_acts WHERE incident = ? AND at >= ? ORDER BY id`, in.ID, in.Opened.UnixMilli())
		if err != nil {
			return nil, err
		}
		err = engine.Each(rows, func(rows *sql.Rows) error {
			var a IncidentAct
			err := rows.Scan(engine.When(&a.At), &a.Act, &a.Text, &a.Author)
			in.Acts = append(in.Acts, a)
			return err
		})
		if err != nil {
			return nil, err
		}
		out = append(out, in)
	}
	return out, nil
}

// agedFinding is how long a finding about an incident is news, unless it is
// looked at again.
const agedFinding = 7 * 24 * time.Hour

// findings are those that stood within the span, and were not found after it.
func (g *gathering) findings(f *ReportFacts) error {
	list, err := facts.FindingsIn(g.ctx, g.q, "", f.Today.From)
	for _, x := range list {
		if x.Opened.Before(f.Today.To) && (x.Scope == facts.WatchScope || x.Last.After(f.Today.From.Add(-agedFinding))) {
			if !x.Closed.Before(f.Today.To) {
				x.Closed = time.Time{}
			}
			f.Findings = append(f.Findings, x)
		}
	}
	return err
}
