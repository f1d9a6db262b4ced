// Package query reads what is stored: the list and why it is what it is, the
// notices, our own faults, and the figures of a report. It writes no
// conclusions.
package query

import (
	"harvester/store/engine"
	"harvester/store/judge"
)

// List is the suppression list, and why an address stands on it or not.
type List struct {
	*engine.DB
	judge  *judge.Judge
	guard  judge.Guard
	memory *memory
}

// NewList reads the list that a judge keeps.
func NewList(j *judge.Judge) List {
	return List{j.DB, j, judge.Guard{DB: j.DB}, &memory{db: j.DB}}
}

// Notices are the messages that were harvested, and what they say.
type Notices struct{ *engine.DB }

// Incidents are the failures that are our own fault.
type Incidents struct{ *engine.DB }

// Reports are the figures of a day, and how everything stands now.
type Reports struct {
	*engine.DB
	rates judge.Rates
}

// NewReports reads figures, with the rates of the streams.
func NewReports(j *judge.Judge) Reports { return Reports{j.DB, judge.Rates{Judge: j}} }
