package export

import (
	"encoding/json"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

var verifying sync.Mutex // tests of several programs may end at once

// renew notes that a program read the file of a profile, when the test that
// calls it last ended well and -update asks for it.
func renew(t *testing.T, profile, program, version string) {
	t.Helper()
	if version == "" {
		t.Errorf("%s does not tell its version", program)
	}
	if !*update || t.Failed() {
		return
	}
	verifying.Lock()
	defer verifying.Unlock()
	b, err := os.ReadFile("verified.json")
	var all map[string][]Verified
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	list := slices.DeleteFunc(all[profile], func(v Verified) bool { return v.Program == program })
	all[profile] = append(list, Verified{program, version, time.Now().UTC().Format(time.DateOnly)})
	b, err = json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = os.WriteFile("verified.json", append(b, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What is claimed names a profile that there is, and is whole.
func TestVerifiedClaims(t *testing.T) {
	var all map[string][]Verified
	if err := json.Unmarshal(verifiedFile, &all); err != nil {
		t.Fatal(err)
	}
	for name, list := range all {
		p, err := Lookup(name)
		if err != nil || len(p.Verified) != len(list) {
			t.Errorf("%s: %v", name, err)
		}
		for _, v := range list {
			if _, err := time.Parse(time.DateOnly, v.Date); err != nil || v.Program == "" || v.Version == "" {
				t.Errorf("%s: %+v", name, v)
			}
		}
	}
}
