package facts

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"harvester/fixtures"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/origin"
	"harvester/store/policy"
)

// How many of the failures in our own fixtures are authentic, where the owner of
// each mailbox names the server that wrote on top of it, as init and doctor
// propose. No key is known for them, so no signature counts here.
func TestShareOfAuthentic(t *testing.T) {
	files, err := fs.Glob(fixtures.FS, "*/*.eml")
	if err != nil {
		t.Fatal(err)
	}
	all, authentic := 0, 0
	without := map[string]int{}
	for _, file := range files {
		raw, err := fixtures.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		read := func(trust *origin.Trust) parse.Result {
			return parse.Parse(raw, &parse.Options{OwnDomains: trust.OwnDomains, Trust: trust})
		}
		first := read(&origin.Trust{})
		own := organisation(policy.Domain(policy.Key(first.DeliveredTo)))
		if first.Kind != bounce.KindBounce || own == "" {
			continue
		}
		trust := &origin.Trust{OwnDomains: []string{own}}
		if id := first.Provenance.Claims; id != "" {
			trust.AuthservIDs = []string{id}
		}
		ours := Ours{Domains: trust.OwnDomains, Trust: trust}
		res := read(trust)
		for i := range res.Recipients {
			r := &res.Recipients[i]
			if r.Action != bounce.Failed {
				continue
			}
			all++
			if ours.Authentic(&res, r, policy.Key(r.Recipient), res.Date.Time).How != "" {
				authentic++
				continue
			}
			e := &res.Provenance.Evidence
			switch {
			case e.Outside && e.Server == "":
				without["from outside, and nothing recorded who sent it"]++
			case e.Outside:
				without["from outside, by who may not speak about it"]++
			case !strings.Contains(strings.ToLower(string(raw[:min(len(raw), 4<<10)])), "received:"):
				without["without a Received line"]++
			default:
				without["its newest line is another's"]++
			}
		}
	}
	t.Logf("%d of %d failed addresses of the fixtures are authentic", authentic, all)
	for _, why := range slices.Sorted(maps.Keys(without)) {
		t.Logf("%4d %s", without[why], why)
	}
	if least := 205; authentic < least {
		t.Errorf("%d authentic, want %d", authentic, least)
	}
}
