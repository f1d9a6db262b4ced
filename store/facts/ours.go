package facts

import (
	"fmt"
	"slices"

	"harvester/parse"
	"harvester/parse/envelope"
	"harvester/parse/origin"
	"harvester/store/policy"
)

// Ours is who we are: what tells a mail of ours, and what our return paths
// are signed with.
type Ours struct {
	Domains []string // that we send as, as domain keys; what stands below them is ours too
	// ReturnPaths are the shapes of our signed return paths, with their keys.
	ReturnPaths []*envelope.VERP
	KeysUnread  bool           // they are not at hand: stored events stay judged as they are, and none are added
	BATV        *envelope.BATV // the keys of the tags on our return paths; nil: tags say nothing
	Streams     []Stream       // of ours, the first that selects a mail has it
	Trust       *origin.Trust  // who may speak about whom; nil: nobody
	Policy      policy.Table   // what proof it asks for: less opens no hold and no incident
	Limited     Limited        // which notices that anybody can write are limited
}

// Limited says which notices that anybody can have written (level "returned")
// put no more than a few addresses an hour on the list.
type Limited uint8

// The choices.
const (
	LimitedSeen Limited = iota // those that came from outside, as a line of our own server shows
	LimitedAll                 // all: what our servers write is told apart by what is configured
	LimitedNone
)

var limitedNames = []string{"seen", "all", "none"}

// UnmarshalText reads the word of the configuration.
func (l *Limited) UnmarshalText(b []byte) error {
	i := slices.Index(limitedNames, string(b))
	if i < 0 {
		return fmt.Errorf("unknown %q (one of %q)", b, limitedNames)
	}
	*l = Limited(i)
	return nil
}

func (l Limited) String() string { return limitedNames[min(int(l), len(limitedNames)-1)] }

// limits tells whether a notice of unproven origin is limited.
func (ours *Ours) limits(p *parse.Provenance) bool {
	switch ours.Limited {
	case LimitedAll:
		return true
	case LimitedSeen:
		return p.Outside || p.Taken
	}
	return false
}

// DomainKeys are domains in the form of Ours.Domains.
func DomainKeys(domains []string) (keys []string) {
	for _, d := range domains {
		if d = policy.DomainKey(d); d != "" {
			keys = append(keys, d)
		}
	}
	return keys
}
