package domain

import (
	"slices"
	"testing"
)

func TestBelow(t *testing.T) {
	own := []string{"", "example.org", "=example.net"}
	for name, want := range map[string]bool{
		"example.org": true, "news.example.org": true, "a.b.example.org": true, "notexample.org": false,
		"example.net": true, "customer.example.net": false, "notexample.net": false,
		"": false, "org": false, "net": false, "example.com": false,
	} {
		if got := Below(name, own); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	if got := Names(own); !slices.Equal(got, []string{"", "example.org", "example.net"}) {
		t.Error(got)
	}
}
