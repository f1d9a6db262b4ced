package bounce

import (
	"encoding"
	"testing"
)

// Every word survives a round trip, and no two words are the same.
func TestWordsRoundTrip(t *testing.T) {
	seen := map[string]bool{}
	check := func(t *testing.T, w encoding.TextMarshaler, into encoding.TextUnmarshaler, same func() bool) {
		t.Helper()
		b, err := w.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := into.UnmarshalText(b); err != nil || !same() {
			t.Errorf("%q does not come back: %v", b, err)
		}
	}
	for _, r := range Reasons() {
		var got Reason
		check(t, r, &got, func() bool { return got == r })
		if seen[r.String()] {
			t.Errorf("two reasons are called %q", r)
		}
		seen[r.String()] = true
	}
	for _, k := range Kinds() {
		var got Kind
		check(t, k, &got, func() bool { return got == k })
	}
}

func TestUnknownWordIsAnError(t *testing.T) {
	var r Reason
	if err := r.UnmarshalText([]byte("user_unknwon")); err == nil || err.Error() != `unknown reason "user_unknwon"` {
		t.Errorf("got %v", err)
	}
}

// A sender's fault must never look like a bad address (design: promise 1).
func TestOnlyRecipientFaultsAreHard(t *testing.T) {
	for _, r := range Reasons() {
		if r.Class(Failed) == ClassHard && r.Fault() != FaultRecipient {
			t.Errorf("%v is hard, yet the fault of %v", r, r.Fault())
		}
		if r.Class(Delayed) != ClassNone {
			t.Errorf("a delay with %v has weight", r)
		}
	}
}
