package store

import (
	"context"
	"testing"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/store/policy"
)

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"news.example.org", "NEWS.example.org", true},
		{"news.example.org", "xnews.example.org", false},
		{"news-*@example.org", "news-7+kate=example.com@example.org", true},
		{"news-*@example.org", "news-@example.net", false},
		{"*:shop:*", "17:shop:mail:example", true},
		{"*:shop:*", "shop:mail", false},
		{"a*b*a", "ab", false},
		{"a*a", "a", false},
		{"[News]*", "[news] for May", true},
		{"", "", true},
	} {
		if got := like([]string{tt.pattern}, tt.text); got != tt.want {
			t.Errorf("%q covers %q: %v", tt.pattern, tt.text, got)
		}
	}
}

var streams = []Stream{
	{Name: "box", Mailboxes: []string{"shop-bounces"}},
	{Name: "titled", Headers: map[string]string{"Subject": "Receipt *"}},
	{Name: "signed", DKIM: []string{"s2._domainkey.example.org", "shop.example.org"}},
	{Name: "fed", FeedbackIDs: []string{"*:camp:*"}},
	{Name: "list", ListIDs: []string{"*.lists.example.org"}},
	{Name: "path", ReturnPaths: []string{"b-*@example.org"}},
}

// Selectors are tried from the envelope down to the mailbox, whatever the
// order of the streams.
func TestStreamOf(t *testing.T) {
	db := openTest(t, Options{Streams: streams})
	o := parse.Original{From: "News@example.org", Subject: "receipt 7", ListID: "All <a.lists.example.org>", FeedbackID: "1:camp:x", DKIM: []string{"s1._domainkey.shop.example.org"}}
	w := whence{"b-1@example.org", "shop-bounces", &o}
	for _, step := range []struct {
		want   string
		remove func()
	}{
		{"path", func() { w.deliveredTo = "bounces@example.org" }},
		{"list", func() { o.ListID = "" }},
		{"fed", func() { o.FeedbackID = "" }},
		{"signed", func() { o.DKIM = []string{"s1._domainkey.example.org"} }},
		{"titled", func() { o.Subject = "x" }},
		{"box", func() { w.mailbox = "bounces" }},
		{"news@example.org", func() { o.DKIM[0] = "S2._domainkey.example.org" }},
		{"signed", func() { o.DKIM, o.From = nil, "" }},
		{"", func() { o.ListID = "Cats <cats.example.net>" }},
		{"cats.example.net", func() { o.ReturnPath = "b-2@example.org" }},
		{"path", func() {}},
	} {
		if got := db.streamOf(w); got != step.want {
			t.Errorf("%+v: %q, want %q", w, got, step.want)
		}
		step.remove()
	}
}

// A complaint about marketing does not end receipts, and a block by one stream
// does not end another; streams that are configured later claim what is stored.
func TestScopeByStream(t *testing.T) {
	ctx := context.Background()
	path := t.TempDir() + "/h.db"
	db := openAt(t, path, Options{})
	list := func(id string) func(*Item) { return func(it *Item) { it.Result.Original.ListID = id } }
	complaint := failure(0, "kate@example.net", bounce.Unclassified, list("news.example.org"))
	complaint.Result.Kind, complaint.Result.FeedbackType = bounce.KindComplaint, "abuse"
	commit(t, db, complaint,
		failure(1, "dead@example.net", bounce.UserUnknown, list("news.example.org")),
		failure(2, "jane@example.net", bounce.SenderBlocked, list("news.example.org"), func(it *Item) { it.Result.Recipients[0].Rule = "x.personal" }))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, Options{Streams: []Stream{
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
		for _, s := range listed(t, db, Filter{Stream: stream}) {
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
