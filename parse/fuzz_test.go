package parse

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"harvester/parse/bounce"
)

// FuzzParse holds what is true of any bytes: the parser has no defect, gives
// one answer, names only addresses, and names them for failures alone.
func FuzzParse(f *testing.F) {
	for _, file := range mails(f) {
		f.Add(fixture(f, file))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := Parse(raw, ours)
		check(t, got)
		if again := Parse(bytes.Clone(raw), ours); !reflect.DeepEqual(got, again) {
			t.Errorf("two answers:\n%+v\n%+v", got, again)
		}
	})
}

func check(t *testing.T, got Result) {
	t.Helper()
	for _, n := range got.Notes {
		if strings.HasPrefix(n, "parser defect") {
			t.Error(n)
		}
	}
	for _, r := range got.Recipients {
		if local, domain, ok := cutAddress(r.Recipient); !ok || strings.ContainsAny(domain, " \t\r\n<>") || local == "" {
			t.Errorf("%q is named, which is no address", r.Recipient)
		}
		if strings.HasSuffix(strings.ToLower(r.Recipient), "@example.org") {
			t.Errorf("%s is ours", r.Recipient)
		}
		if r.Confidence == bounce.ByRule && !strings.Contains(r.Diagnostic, r.Evidence) {
			t.Errorf("evidence %q is not in %q", r.Evidence, r.Diagnostic)
		}
	}
	switch got.Kind {
	case bounce.KindBounce, bounce.KindDelay, bounce.KindDelivered:
		if len(got.Recipients) == 0 {
			t.Errorf("a %s of nobody", got.Kind)
		}
	case bounce.KindComplaint:
	default:
		if len(got.Recipients) > 0 {
			t.Errorf("a %s names %s", got.Kind, got.Recipients[0].Recipient)
		}
	}
}
