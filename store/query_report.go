package store

import (
	"time"

	"harvester/parse/bounce"
)

// DayFacts is what the database knows about one span of time, as a report
// needs it. Failures are recipients with action failed in bounces; a second
// notice about the same mail is left out.
type DayFacts struct {
	Day
	Receivers []ReceiverCount // by receiver and reason, most failures first
	Reasons   []ReasonCount   // by reason and status, most failures first
	Refusals  []Refusal       // failures that may be our own fault, oldest first
	Unproven  int             // failures without any proof that we sent the mail
	Changes   []ListChange    // of the suppression list, oldest first; at most the number asked for
	InForce   int             // suppressions at the end of the span
	Held      int             // verdicts held back now
}

// Day counts what came in within a span of time.
type Day struct {
	From, To     time.Time // To is not part of it
	Kinds        map[bounce.Kind]int
	Failed       map[bounce.Reason]int
	Complaints   int
	Unsubscribes int
	Added        int // to the suppression list
	Removed      int
}

// ReceiverCount counts failures at one receiver: the operator of the MX where
// he is known, else the recipient's domain.
type ReceiverCount struct {
	Receiver string
	Reason   bounce.Reason
	Status   string
	N        int
}

// ReasonCount counts failures of one reason and status.
type ReasonCount struct {
	Reason  bounce.Reason
	Status  string
	N       int
	Domains int
	Sample  string // diagnostic of the latest
}

// Refusal counts failures that read alike.
type Refusal struct {
	Reason      bounce.Reason
	Vendor      string
	Status      string
	Receiver    string
	RemoteMTA   string
	Diagnostic  string
	N           int
	First, Last time.Time
}

// ListChange is one change of the suppression list.
type ListChange struct {
	At      time.Time
	Op      string // add, hold, remove
	Address string
	Domain  string
	Source  string
	Stream  string
	Reason  string
	Class   string
	Why     string // of a removal
}

// JobFacts is how one job has fared.
type JobFacts struct {
	Job      string
	Last     time.Time // start of the latest run; zero when it never ran
	LastOK   time.Time // start of the latest good run; zero when there is none
	Detail   string    // of the latest run: one line, or the error
	Failing  bool      // the latest finished run failed
	Runs     int       // within the span
	Failures int       // within the span
}

// ExportFacts is the latest state of one export.
type ExportFacts struct {
	Name, Profile, Path string
	Generation          int64
	At                  time.Time
	Rows                int
	Withheld            bool
	Why                 string // of a withheld one
}
