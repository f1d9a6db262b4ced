package store

import (
	"strings"
	"testing"

	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
)

// "Access denied" at the edge of a domain waits for a second failure, unless
// the domain's other addresses are being accepted: in whatever order the
// notices come in, by whatever batches, and for near ones alone.
func TestAccessDeniedBesideAcceptance(t *testing.T) {
	denied := func(day int, to string) facts.Item {
		return failure(day, to, bounce.UserUnknown, func(it *facts.Item) {
			r := &it.Result.Recipients[0]
			r.Status, r.Rule = "5.4.1", "microsoft.directory-edge"
		})
	}
	accepted := func(day int, to string, change ...func(*facts.Item)) facts.Item {
		it := failure(day, to, bounce.Unclassified, func(it *facts.Item) {
			r := &it.Result.Recipients[0]
			it.Result.Kind, r.Action, r.Status = bounce.KindDelivered, bounce.Delivered, "2.0.0"
			it.Result.Provenance.Host = "mx.example.org"
		})
		for _, c := range change {
			c(&it)
		}
		return it
	}
	forged := func(it *facts.Item) { it.Result.Provenance.Host = "" }
	ann, bob := "ann@example.net", "bob@example.net"
	for name, tt := range map[string]struct {
		batches [][]facts.Item
		listed  bool
	}{
		"alone":                   {[][]facts.Item{{denied(20, bob)}}, false},
		"accepted before":         {[][]facts.Item{{accepted(10, ann)}, {denied(20, bob)}}, true},
		"accepted later":          {[][]facts.Item{{denied(20, bob)}, {accepted(30, ann)}}, true},
		"in one batch":            {[][]facts.Item{{denied(20, bob), accepted(20, ann)}}, true},
		"late mail of before":     {[][]facts.Item{{denied(20, bob)}, {accepted(10, ann)}}, true},
		"too long before":         {[][]facts.Item{{accepted(5, ann)}, {denied(20, bob)}}, false},
		"anybody can have forged": {[][]facts.Item{{accepted(10, ann, forged)}, {denied(20, bob)}}, false},
		"another domain":          {[][]facts.Item{{accepted(10, "ann@example.com")}, {denied(20, bob)}}, false},
		"itself":                  {[][]facts.Item{{accepted(10, bob)}, {denied(20, bob)}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t, Options{})
			for _, b := range tt.batches {
				commit(t, db, b...)
			}
			if got := listed(t, db, query.Filter{}); len(got) == 1 != tt.listed {
				t.Fatalf("listed: %+v", got)
			}
			x, err := db.List.Explain(t.Context(), bob, nil)
			if err != nil {
				t.Fatal(err)
			}
			last := x.Events[len(x.Events)-1]
			if said := strings.HasPrefix(last.Beside, "other addresses of the domain are being accepted"); said != tt.listed || (x.State == policy.Suppressed) != tt.listed {
				t.Errorf("explain: %v, %+v", x.State, last)
			}
			before := image(t, db)
			if _, err := db.Judge.Recompute(t.Context(), judge.Scenario{}, "test", "test", judge.Reach{Events: true}); err != nil || image(t, db) != before {
				t.Errorf("anew it is another list: %v\n%s\n%s", err, before, image(t, db))
			}
		})
	}
}
