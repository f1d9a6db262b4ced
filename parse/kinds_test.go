package parse_test

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"harvester/fixtures"
	"harvester/parse"
)

// silent are feedback reports that nobody complains in (RFC 6430, RFC 6591).
var silent = map[string]bool{"complaint/arf-not-spam.eml": true, "complaint/arf-auth-failure.eml": true}

// TestKinds parses the mails that name nobody, complaints and receipts: their
// kind is what fixtures/negative/kinds.txt says, and only complaints have
// recipients.
func TestKinds(t *testing.T) {
	f, err := os.Open("../fixtures/negative/kinds.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		file, rest, _ := strings.Cut(lines.Text(), " ")
		kind, hint, _ := strings.Cut(strings.TrimSpace(rest), " ")
		raw, err := fixtures.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := parse.Parse(raw, nil)
		if got.Kind.String() != kind || got.Hint != strings.TrimSpace(hint) {
			t.Errorf("%s: %s %q, want %s %q; %q", file, got.Kind, got.Hint, kind, strings.TrimSpace(hint), got.Notes)
		}
		if len(got.Recipients) > 0 && (kind != "complaint" || silent[file]) {
			t.Errorf("%s: a %s names %s", file, kind, got.Recipients[0].Recipient)
		}
	}
}
