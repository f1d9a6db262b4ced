package rules

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"harvester/parse/bounce"
)

// buckets groups the reasons as coarsely as two people agree on them.
var buckets = map[string][]bounce.Reason{
	"DEAD":   {bounce.UserUnknown, bounce.UserMoved, bounce.MailboxDisabled, bounce.AddressInvalid},
	"FULL":   {bounce.MailboxFull},
	"DOMAIN": {bounce.DomainUnknown, bounce.RoutingFailed},
	"TEMP":   {bounce.Deferred, bounce.Expired, bounce.RoutingFailed, bounce.RateLimited, bounce.ProtocolError},
	"SIZE":   {bounce.MessageTooLarge, bounce.ContentVirus, bounce.ContentPolicy, bounce.ProtocolError},
	"BLOCK": {
		bounce.SenderBlocked, bounce.RecipientRestricted, bounce.ContentSpam, bounce.ContentVirus, bounce.ContentPolicy,
		bounce.PolicyRejected, bounce.ReputationIP, bounce.ReputationDomain, bounce.AuthSPF, bounce.AuthDKIM, bounce.AuthDMARC,
		bounce.AuthPTR, bounce.AuthFailed, bounce.RateLimited, bounce.TLSFailed, bounce.SenderAccount, bounce.RelayDenied,
		bounce.ProtocolError, bounce.AlreadySuppressed,
	},
}

// Replies as servers of all makes word them, labelled by hand: bucket, reason
// where one is clear, text. No text of another bucket may be called a bad
// address; -v lists what else differs.
func TestWordings(t *testing.T) {
	f, err := os.Open("testdata/wordings.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	total, agree, exact, labelled := 0, 0, 0, 0
	for s := bufio.NewScanner(f); s.Scan(); {
		row := strings.Split(s.Text(), "\t")
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		if len(row) != 3 || buckets[row[0]] == nil {
			t.Fatalf("bad row %q", s.Text())
		}
		bucket, reason, text := row[0], row[1], strings.ReplaceAll(row[2], `\n`, "\n")
		a := Builtin().Classify(Query{Text: text})
		total++
		if reason != "" {
			labelled++
			if a.Reason.String() == reason {
				exact++
			}
		}
		if slices.Contains(buckets[bucket], a.Reason) {
			agree++
			continue
		}
		t.Logf("%s %s: got %v by %q on %q: %s", bucket, reason, a.Reason, a.Rule, a.Evidence, row[2])
		if slices.Contains(buckets["DEAD"], a.Reason) {
			t.Errorf("called dead (%v by %q on %q): %s", a.Reason, a.Rule, a.Evidence, row[2])
		}
	}
	t.Logf("bucket %d of %d, reason %d of %d", agree, total, exact, labelled)
	if agree*100 < total*97 {
		t.Errorf("only %d of %d texts in their bucket", agree, total)
	}
}
