package verp

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 4, 7, 12, 0, 0, 0, time.UTC)

func TestRoundTrip(t *testing.T) {
	old, cur := []byte("an old key, sixteen bytes"), []byte("the current key, sixteen bytes")
	signer, both := Codec{Keys: [][]byte{old}}, Codec{Keys: [][]byte{cur, old}}
	for _, to := range []string{"jane@example.net", "Jane.Doe+x=y-z@Example.NET", "a@b.example"} {
		p, err := signer.Sign(to, "bounces.example.org", now)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{p, strings.ToUpper(p), "<" + p + ">"} {
			if got, err := both.Verify(form, now.AddDate(0, 0, 40)); err != nil || got != strings.ToLower(to) {
				t.Errorf("%s: %q %v", form, got, err)
			}
		}
		if got, err := both.Verify(p, now.AddDate(0, 0, 50)); !errors.Is(err, ErrExpired) || got == "" {
			t.Errorf("%s is still good after 50 days: %v", p, err)
		}
		if _, err := both.Verify(p, now.AddDate(0, 0, -5)); !errors.Is(err, ErrExpired) {
			t.Errorf("%s was good before it was made: %v", p, err)
		}
		for _, forged := range []string{strings.Replace(p, "=", "x=", 1), strings.Replace(p, "b-2", "b-3", 1)} {
			if _, err := both.Verify(forged, now); !errors.Is(err, ErrForged) {
				t.Errorf("%s: %v", forged, err)
			}
		}
		if _, err := (Codec{Keys: [][]byte{cur}}).Verify(p, now); !errors.Is(err, ErrForged) {
			t.Errorf("another key verifies: %v", err)
		}
		if _, err := (Codec{}).Verify(p, now); !errors.Is(err, ErrForged) {
			t.Errorf("no key verifies: %v", err)
		}
	}
}

// The form is documented so that scripts can make it: it never changes.
func TestForm(t *testing.T) {
	c := Codec{Keys: [][]byte{[]byte("0123456789abcdef")}}
	got, err := c.Sign("jane@example.net", "bounces.example.org", now)
	if want := "b-20550-24a5181e377b-jane=example.net@bounces.example.org"; err != nil || got != want {
		t.Errorf("got %q %v", got, err)
	}
}

func TestRefusals(t *testing.T) {
	c := Codec{Keys: [][]byte{[]byte("0123456789abcdef")}}
	for _, to := range []string{"", "nobody", "@example.net", `"a b"@example.net`, "jörg@example.net", strings.Repeat("x", 50) + "@example.net"} {
		if p, err := c.Sign(to, "example.org", now); err == nil {
			t.Errorf("%q was signed as %q", to, p)
		}
	}
	if _, err := (Codec{Keys: [][]byte{[]byte("short")}}).Sign("a@example.net", "example.org", now); err == nil {
		t.Error("a short key signs")
	}
	for _, a := range []string{"", "bounces@example.org", "b-@example.org", "b-1-2-3@example.org", "b-20550-000000000000-x@example.org", "b-99999999999-000000000000-a=b@example.org"} {
		if _, err := c.Verify(a, now); !errors.Is(err, ErrOther) {
			t.Errorf("%q: %v", a, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("b-20550-5aa9f6f5dbd2-jane=example.net@bounces.example.org")
	c := Codec{Keys: [][]byte{[]byte("0123456789abcdef")}}
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := c.Verify(s, now); err == nil && !strings.Contains(r, "@") {
			t.Errorf("%q gives %q", s, r)
		}
	})
}
