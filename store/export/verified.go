package export

import (
	_ "embed"
	"encoding/json"
)

// Verified says that a program of a target read the file of a profile in a
// test, and found all of it.
type Verified struct {
	Program string `json:"program"`
	Version string `json:"version"`
	Date    string `json:"date"` // 2006-01-02, of the last run that renewed this
}

// verifiedFile holds the programs by profile. The tests that run them renew it
// (go test ./store/export -update).
//
//go:embed verified.json
var verifiedFile []byte

// verified are the programs that a profile was tried with.
func verified(profile string) []Verified {
	var all map[string][]Verified
	if err := json.Unmarshal(verifiedFile, &all); err != nil {
		panic(err) // a part of this program
	}
	return all[profile]
}
