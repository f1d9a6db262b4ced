package store

import (
	"context"
	"testing"

	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/policy"
	"harvester/store/query"
)

// A complaint about marketing does not end receipts, and a block by one stream
// does not end another; streams that are configured later claim what is stored.
func TestScopeByStream(t *testing.T) {
	ctx := context.Background()
	path := t.TempDir() + "/h.db"
	db := openAt(t, path, Options{})
	list := func(id string) func(*facts.Item) { return func(it *facts.Item) { it.Result.Original.ListID = id } }
	complaint := failure(0, "kate@example.net", bounce.Unclassified, list("news.example.org"))
	complaint.Result.Kind, complaint.Result.FeedbackType = bounce.KindComplaint, "abuse"
	commit(t, db, complaint,
		failure(1, "dead@example.net", bounce.UserUnknown, list("news.example.org")),
		failure(2, "jane@example.net", bounce.SenderBlocked, list("news.example.org"), func(it *facts.Item) { it.Result.Recipients[0].Rule = "x.personal" }))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, Options{Streams: []facts.Stream{
		{Name: "news", ListIDs: []string{"news.example.org"}},
		{Name: "shop", Kind: policy.Transactional, ListIDs: []string{"shop.example.org"}, Mailboxes: []string{"other"}},
	}})
	for stream, want := range map[string]string{
		"":      "dead@example.net jane@example.net/news kate@example.net ",
		"news":  "dead@example.net jane@example.net/news kate@example.net ",
		"shop":  "dead@example.net ",
		"other": "dead@example.net kate@example.net ",
	} {
		got := ""
		for _, s := range listed(t, db, query.Filter{Stream: stream}) {
			got += s.Key
			if s.Stream != "" {
				got += "/" + s.Stream
			}
			got += " "
		}
		if got != want {
			t.Errorf("stream %q: %q, want %q", stream, got, want)
		}
	}
	if revised, _, err := db.Recompute(ctx, nil); err != nil || revised != 0 {
		t.Errorf("judged anew, %d events differ: %v", revised, err)
	}
}
