package store

import (
	"context"
	"testing"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/facts"
)

// What came back of a domain is told by how it looked, and of that domain alone.
func TestReturnedFrom(t *testing.T) {
	db := openTest(t, Options{})
	ctx := context.Background()
	list := func(it *facts.Item) {
		o := &it.Result.Original
		o.DKIM, o.ListID, o.Unsubscribe = []string{"s1._domainkey.example.org"}, "<news.example.org>", parse.UnsubscribeOneClick
	}
	forged := func(it *facts.Item) { it.Result.Original.From, it.Result.Original.To = "x@stranger.example", "" }
	commit(t, db, failure(0, "jane@example.net", bounce.UserUnknown, list), failure(1, "joe@example.net", bounce.UserUnknown, list),
		failure(2, "ann@example.net", bounce.UserUnknown), failure(3, "eve@example.net", bounce.UserUnknown, forged))
	got, err := db.Incidents.ReturnedFrom(ctx, "example.org", epoch)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	if r := got[0]; r.N != 2 || r.Complaint || r.Unsubscribe != "one_click" || r.ListID != "<news.example.org>" || len(r.DKIM) != 1 {
		t.Errorf("%+v", r)
	}
	if r := got[1]; r.N != 1 || r.Unsubscribe != "" {
		t.Errorf("%+v", r)
	}
	if none, err := db.Incidents.ReturnedFrom(ctx, "ample.org", epoch); err != nil || len(none) != 0 {
		t.Errorf("%+v %v", none, err)
	}
}
