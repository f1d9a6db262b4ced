package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What init tells of the consoles is what docs/mailboxes.md tells.
func TestInitNamesWhatTheManualNames(t *testing.T) {
	raw, err := os.ReadFile("../../docs/mailboxes.md")
	if err != nil {
		t.Fatal(err)
	}
	flat := func(s string) string {
		return strings.Join(strings.Fields(strings.NewReplacer("*", "", "`", "").Replace(s)), " ")
	}
	manual := flat(string(raw))
	for _, provider := range []string{"microsoft", "google"} {
		s := &setup{provider: provider, clientID: "CLIENT_ID", username: "bounces@example.org", credential: "credential:x"}
		steps := flat(s.steps())
		names := regexp.MustCompile(`(?:[A-Z&][A-Za-z&]*(?: [A-Za-z&]+){0,3} > )+[A-Z][A-Za-z]+|[A-Z][a-z]+-[A-Z][A-Za-z]+ -.*?\S+ -\w+ \S+|https://\S+|IMAP\.\w+`).FindAllString(steps, -1)
		if len(names) < 5 {
			t.Fatalf("%s: only %q", provider, names)
		}
		for _, n := range names {
			for part := range strings.SplitSeq(n, " > ") {
				if !strings.Contains(manual, part) {
					t.Errorf("%s: docs/mailboxes.md does not say %q", provider, part)
				}
			}
		}
	}
}
