package schedule

import (
	"harvester/store/facts"
	"time"
)

// Meter is told what harvests do, as they do it. Several mailboxes tell it at
// the same time.
type Meter interface {
	// Left says how many messages of a folder are known and not yet read.
	Left(mailbox string, messages int)
	// Parsed says that a batch was understood, and how long that took.
	Parsed(mailbox string, items []facts.Item, took time.Duration)
	// Committed says what storing a batch changed.
	Committed(out facts.Outcome, took time.Duration)
	// Polled says that a run ended.
	Polled(mailbox string, t Tally, took time.Duration, err error)
}
