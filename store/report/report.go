// Package report builds the daily report from the stored facts and renders it
// as text, HTML and JSON. The text is the reference, in the order in which a
// person reads: whether somebody has to get up, the figures against what is
// usual, what to mend, how the list changed and why, where it failed, and at
// last how the harvester itself fares.
package report

import (
	"time"

	"harvester/parse/bounce"
)

// Schema names the layout of the JSON form (docs/report.schema.json).
const Schema = "harvester.report/2"

// Report is what happened on one day, and what to do about it.
type Report struct {
	Schema       string       `json:"schema"`
	Host         string       `json:"host"`
	Date         string       `json:"date"` // YYYY-MM-DD; of a week YYYY-Www, of a month YYYY-MM
	Period       Period       `json:"period"`
	Status       Severity     `json:"status"`
	Headline     string       `json:"headline"`   // must I get up?
	First        *time.Time   `json:"first_mail"` // when the first mail ever came in; null when none did
	Alarms       []Alarm      `json:"alarms"`
	Mend         []Mend       `json:"mend"`   // the causes by what mends them, worst first
	Causes       []Cause      `json:"causes"` // faults on our own side, worst first
	Findings     []Finding    `json:"findings"`
	Totals       []Total      `json:"totals"`
	Volume       Volume       `json:"volume"`
	Receivers    []Receiver   `json:"by_receiver"`
	Streams      []Stream     `json:"by_stream"`
	Rates        []Rate       `json:"rates"`
	Reasons      []Reason     `json:"reasons"`
	Suppressions Suppressions `json:"suppressions"`
	Proof        Proven       `json:"proof"`
	Unclear      Unclear      `json:"unclear"`
	Trend        []Point      `json:"trend"`     // 14 days, or weeks or months, oldest first, the last is this one
	Revisions    []Revision   `json:"revisions"` // of earlier days, latest first
	Jobs         []Job        `json:"jobs"`
	Exports      []Export     `json:"exports"`
	Definitions  []string     `json:"definitions"`
}

// Period is the span that the report covers.
type Period struct {
	Span     Span      `json:"span"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Timezone string    `json:"timezone"`
	Basis    string    `json:"basis"`    // by which time a mail belongs to a day
	Complete bool      `json:"complete"` // false while the day is not over
}

// Severity is how urgent something is.
type Severity string

// The severities, mildest first.
const (
	OK   Severity = "ok"
	Warn Severity = "warn"
	Crit Severity = "crit"
)

// String is the word for one of them.
func (s Severity) String() string { return string(s) }

func (s Severity) weight() int { return map[Severity]int{OK: 0, Warn: 1, Crit: 2}[s] }

// Alarm is one problem, with what it was measured by.
type Alarm struct {
	ID       string   `json:"id"` // stable
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
	Value    float64  `json:"value"`
	Limit    float64  `json:"limit"`
	Baseline *float64 `json:"baseline_7d"` // null where none makes sense
	Next     string   `json:"next"`        // what to do or which command to run
}

// Cause is one fault on our side.
type Cause struct {
	ID        string    `json:"id"`
	Group     string    `json:"group"`
	Title     string    `json:"title"`
	Severity  Severity  `json:"severity"`
	N         int       `json:"n"`
	Receivers []string  `json:"receivers"` // most hit first
	Named     []string  `json:"named"`     // our IP addresses as the replies name them
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Sample    string    `json:"sample"`
	Steps     []string  `json:"steps"`
	Page      string    `json:"page"`
}

// Total is one line of the totals.
type Total struct {
	ID        string  `json:"id"`
	Label     string  `json:"label"`
	Today     int     `json:"today"`
	Yesterday int     `json:"yesterday"`
	Mean      float64 `json:"mean_7d"` // of the seven days, four weeks or three months before
	Usual     *Range  `json:"usual"`   // of the days, weeks or months of the trend before; null while they are too few
	Unusual   bool    `json:"unusual"`
}

// Volume is what was sent. Without it there are counts but no rates.
type Volume struct {
	Sent     *int   `json:"sent"`
	Source   string `json:"source"`
	Coverage string `json:"coverage"` // where the failures come from
}

// Receiver counts the failures at one receiver.
type Receiver struct {
	Receiver string `json:"receiver"`
	Hard     int    `json:"hard"`
	Soft     int    `json:"soft"`
	Block    int    `json:"block"`
	Top      string `json:"top_reason"`
}

// Reason counts the failures of one reason.
type Reason struct {
	Reason  bounce.Reason `json:"reason"`
	Fault   bounce.Fault  `json:"fault"`
	Status  string        `json:"status"`
	N       int           `json:"n"`
	Domains int           `json:"domains"`
	Sample  string        `json:"sample"`
}

// Suppressions is how the list moved.
type Suppressions struct {
	InForce int      `json:"in_force"`
	Held    int      `json:"held"`
	Allowed int      `json:"allowed"` // addresses that failed for good or complained, and stay off it: the operator allowed them
	Proofs  []Count  `json:"proofs"`  // of sending, that the new bounces among them rest on, strongest first
	Added   []Count  `json:"added"`   // by reason
	Removed int      `json:"removed"`
	Domains []Count  `json:"domains"` // that hold many of the new ones
	Changes []Change `json:"changes"` // none while addresses are hidden
	More    int      `json:"more"`    // changes that are not listed
}

// Proven says which level of proof the failures of the last days met.
type Proven struct {
	Days    int      `json:"days"`
	Level   string   `json:"level"`   // that nearly all of them meet
	Levels  []Count  `json:"levels"`  // addresses that failed for good or complained, by the best proof, strongest first
	Entries int      `json:"entries"` // of the list, that rest on a notice
	Weak    int      `json:"weak"`    // of them, on one that anybody can have written
	Advice  []string `json:"advice"`  // the same in sentences, and what raises it
}

// Count is a number of something named.
type Count struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

// Change is one address that came onto the list or left it.
type Change struct {
	Op      string    `json:"op"`
	At      time.Time `json:"at"`
	Address string    `json:"address"`
	Reason  string    `json:"reason"`
	Why     string    `json:"why"`
}

// Unclear is what nobody understood.
type Unclear struct {
	Unparsed     int `json:"unparsed"`     // mails that look like a failure and name nobody
	Unclassified int `json:"unclassified"` // failures without a known reason
	Unproven     int `json:"unproven"`     // failures of mail that we may not have sent
	Forged       int `json:"forged"`       // of them, to return paths of ours that were made up or used up
}

// Point is one day of the trend.
type Point struct {
	Date  string `json:"date"` // as that of the report
	Mails int    `json:"mails"`
	Hard  int    `json:"hard"`
	Soft  int    `json:"soft"`
	Block int    `json:"block"`
}

// Job is how one job of the harvester itself fares.
type Job struct {
	Job      string    `json:"job"`
	Last     time.Time `json:"last,omitzero"`
	LastOK   time.Time `json:"last_ok,omitzero"`
	Failing  bool      `json:"failing"`
	Runs     int       `json:"runs"`
	Failures int       `json:"failures"`
	Detail   string    `json:"detail"`
}

// Export is the latest state of one export.
type Export struct {
	Name       string    `json:"name"`
	Profile    string    `json:"profile"`
	State      string    `json:"state"` // published, withheld
	Why        string    `json:"why"`
	Rows       int       `json:"rows"`
	Generation int64     `json:"generation"`
	Changed    time.Time `json:"changed"` // when the content last changed
}
