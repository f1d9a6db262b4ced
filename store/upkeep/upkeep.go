// Package upkeep keeps the database well over the years: it forgets whom it
// must forget, removes what is too old, and looks for contradictions.
package upkeep

import (
	"harvester/store/engine"
	"harvester/store/facts"
)

// Upkeep keeps one database well.
type Upkeep struct{ *engine.DB }

// erasing is the transaction that forgets an address.
type erasing struct{ *facts.Writing }
