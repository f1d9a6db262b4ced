// Package job names what the program runs, and what its runs are recorded
// under. It knows the words alone; package schedule runs the jobs.
package job

import (
	"fmt"
	"strings"
)

// Kind is what a job does.
type Kind string

// The kinds. They are stored and printed: their words stay.
const (
	Harvest    Kind = "harvest"    // reads a mailbox
	Import     Kind = "import"     // reads mail from files, once
	Ledger     Kind = "ledger"     // follows a log of what was sent
	Export     Kind = "export"     // writes the files of an export
	Push       Kind = "push"       // tells a service
	Report     Kind = "report"     // writes and sends the report of a day, or of the span that is its subject
	Retention  Kind = "retention"  // drops what is too old
	Check      Kind = "check"      // brings the list back in step with the facts
	Vacuum     Kind = "vacuum"     // gives back the room that it left
	Diagnose   Kind = "diagnose"   // watches our own DNS records
	Alarm      Kind = "alarm"      // notices troubles and tells them
	Replay     Kind = "replay"     // decided all history anew
	Reclassify Kind = "reclassify" // read all stored replies anew
)

// Kinds are all of them, in the order above.
func Kinds() []Kind {
	return []Kind{Harvest, Import, Ledger, Export, Push, Report, Retention, Check, Vacuum, Diagnose, Alarm, Replay, Reclassify}
}

// String is the word that is stored.
func (k Kind) String() string { return string(k) }

// Of is the job of this kind for a subject: a mailbox, an export.
func (k Kind) Of(subject string) Name { return Name{k, subject} }

// Alone is the job of this kind that has no subject.
func (k Kind) Alone() Name { return Name{Kind: k} }

// Name is a job: what it does, and to what. The zero value is no job.
type Name struct {
	Kind    Kind
	Subject string // "" where there is but one of the kind
}

// String is the kind, and the subject behind a space: "harvest bounces".
func (n Name) String() string {
	if n.Subject == "" {
		return string(n.Kind)
	}
	return string(n.Kind) + " " + n.Subject
}

// MarshalText is String; it is what JSON shows.
func (n Name) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (n *Name) UnmarshalText(text []byte) error {
	kind, subject, _ := strings.Cut(string(text), " ")
	if kind == "" {
		return fmt.Errorf("%q names no job", text)
	}
	*n = Name{Kind(kind), subject}
	return nil
}
