package parse

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each fixture has its answer beside it; -update writes them anew. They show
// in a review what a change does to every sample mail.
func TestGolden(t *testing.T) {
	for _, name := range mails(t) {
		got := Parse(fixture(t, name), ours)
		got.Rules = "" // changes with every rule
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetIndent("", " ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(got); err != nil {
			t.Fatal(err)
		}
		b := out.Bytes()
		file := filepath.Join("../fixtures", strings.TrimSuffix(name, ".eml")+".json")
		if *update {
			if err := os.WriteFile(file, b, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%v: run go test ./parse -update, and read what it wrote", err)
		} else if !bytes.Equal(b, want) {
			t.Errorf("%s: the answer differs from %s: run go test ./parse -update and read the difference\n%s", name, file, b)
		}
	}
}

// What people read in each sample mail is what the parser says of it.
func TestTruth(t *testing.T) {
	for _, want := range truths(t) {
		got := Parse(fixture(t, want.File), ours)
		if got.Kind != want.Kind {
			t.Errorf("%s: it is %s, not %s", want.File, want.Kind, got.Kind)
		}
		if len(got.Recipients) != len(want.Recipients) {
			t.Errorf("%s: it names %d recipients, not %d", want.File, len(want.Recipients), len(got.Recipients))
		}
		for _, w := range want.Recipients {
			i := slices.IndexFunc(got.Recipients, func(r Recipient) bool { return strings.EqualFold(r.Recipient, w.Recipient) })
			if i < 0 {
				t.Errorf("%s: %s is not named", want.File, w.Recipient)
				continue
			}
			r := &got.Recipients[i]
			if r.Action.String() != w.Action || r.Status != w.Status || r.ReplyCode != w.ReplyCode || w.Reason != "" && r.Reason.String() != w.Reason {
				t.Errorf("%s: %s %s %q %d %s, not %s %q %d %s by %q on %q in %q", want.File, w.Recipient, w.Action, w.Status, w.ReplyCode, w.Reason,
					r.Action, r.Status, r.ReplyCode, r.Reason, r.Rule, r.Evidence, r.Diagnostic)
			}
		}
	}
}

// The same mail gives the same answer a hundred times, also when several are
// parsed at once.
func TestSameAnswer(t *testing.T) {
	times := 100
	if testing.Short() {
		times = 5
	}
	var wait sync.WaitGroup
	names := mails(t)
	for part := range 4 {
		wait.Go(func() {
			for i := part; i < len(names); i += 4 {
				raw := fixture(t, names[i])
				want, _ := json.Marshal(Parse(raw, ours))
				for range times {
					if got, _ := json.Marshal(Parse(raw, ours)); !bytes.Equal(got, want) {
						t.Errorf("%s: two answers\n%s\n%s", names[i], want, got)
						break
					}
				}
			}
		})
	}
	wait.Wait()
}
