package facts

import "harvester/store/engine"

// Mailboxes keep how far each folder was read, and what is left to settle.
type Mailboxes struct{ *engine.DB }

// Runs are the runs of the jobs.
type Runs struct{ *engine.DB }

// Alarms are those that were told.
type Alarms struct{ *engine.DB }

// Exports are the files that were published, and how far into the history of
// the list each reaches.
type Exports struct{ *engine.DB }

// Pushes are what services were told by HTTP.
type Pushes struct{ *engine.DB }

// Volumes are how much was sent, by day and stream.
type Volumes struct{ *engine.DB }

// Keys are the records of our DKIM keys as they were seen over time.
type Keys struct{ *engine.DB }

// DNS are the records of our domains as they were seen over time.
type DNS struct{ *engine.DB }

// Findings are what a diagnosis found.
type Findings struct{ *engine.DB }

// Acts are what operators decided about addresses.
type Acts struct{ *engine.DB }
