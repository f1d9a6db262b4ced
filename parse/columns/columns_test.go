package columns

import (
	"slices"
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	link := "https://example.net/" + strings.Repeat("a", 20)
	for _, x := range []struct {
		s    string
		n    int
		want []string
	}{
		{"", 10, nil},
		{"one two three", 7, []string{"one two", "three"}},
		{"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"ab abcdefghij kl", 4, []string{"ab", "abcd", "efgh", "ij", "kl"}},
		{"see " + link + " for it", 10, []string{"see", link, "for it"}},
		{link, 10, []string{link}},
		{"日本語 日本", 5, []string{"日本", "語", "日本"}},
		{"e\u0301e\u0301e\u0301e\u0301", 2, []string{"e\u0301e\u0301", "e\u0301e\u0301"}},
		{"日本", 0, []string{"日", "本"}},
	} {
		if got := Wrap(x.s, x.n); !slices.Equal(got, x.want) {
			t.Errorf("%q in %d: %q, want %q", x.s, x.n, got, x.want)
		}
	}
}
