package facts

import (
	"harvester/parse"
	"testing"
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
	ours := Ours{Domains: []string{"example.org"}, Streams: streams}
	o := parse.Original{From: "News@example.org", Subject: "receipt 7", ListID: "All <a.lists.example.org>", FeedbackID: "1:camp:x", DKIM: []string{"s1._domainkey.shop.example.org"}}
	w := whence{"b-1@example.org", "shop-bounces", &o}
	for _, step := range []struct {
		want   string
		remove func()
	}{
		{"path", func() { w.DeliveredTo = "bounces@example.org" }},
		{"list", func() { o.ListID = "" }},
		{"fed", func() { o.FeedbackID = "" }},
		{"signed", func() { o.DKIM = []string{"s1._domainkey.example.org"} }},
		{"titled", func() { o.Subject = "x" }},
		{"box", func() { w.Mailbox = "bounces" }},
		{"news@example.org", func() { o.DKIM[0] = "S2._domainkey.example.org" }},
		{"signed", func() { o.DKIM, o.From = nil, "" }},
		{"", func() { o.ListID = "Cats <cats.example.net>" }},
		{"cats.example.net", func() { o.ReturnPath = "b-2@example.org" }},
		{"path", func() {}},
	} {
		if got := ours.streamOf(w); got != step.want {
			t.Errorf("%+v: %q, want %q", w, got, step.want)
		}
		step.remove()
	}
}
