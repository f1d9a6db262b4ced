package facts

import (
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
