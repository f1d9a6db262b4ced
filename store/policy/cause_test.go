package policy

import (
	"strings"
	"testing"

	"harvester/parse/bounce"
)

// Whatever is our fault has something to do about it, and what is not has
// nothing.
func TestEverySenderFaultHasAFix(t *testing.T) {
	for _, r := range bounce.Reasons() {
		c, ok := CauseOf(r, "", "", "")
		f := r.Fault()
		want := f == bounce.FaultSender || f == bounce.FaultMessage || r == bounce.RelayDenied || r == bounce.RoutingFailed
		if ok != want || ok && (c.ID == "" || len(c.Steps) == 0) {
			t.Errorf("%v: %v %+v", r, ok, c)
		}
	}
}

func TestFixTable(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range fixes {
		if f.ID == "" || f.Group == "" || f.Title == "" || len(f.Steps) == 0 || seen[f.ID] {
			t.Errorf("row %q is incomplete or there twice", f.ID)
		}
		seen[f.ID] = true
		if len(f.Title) > 72 || f.Page != "" && !strings.HasPrefix(f.Page, "https://") {
			t.Errorf("row %q: title too long for a line, or no page", f.ID)
		}
		for _, w := range f.words {
			if w != strings.ToLower(w) {
				t.Errorf("row %q: the word %q is not lower case", f.ID, w)
			}
		}
	}
}

func TestCauseOf(t *testing.T) {
	for _, c := range []struct {
		reason               bounce.Reason
		vendor, status, text string
		want                 string
	}{
		{bounce.ReputationIP, "", "5.7.1", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "list.spamhaus"},
		{bounce.ReputationDomain, "", "5.7.1", "Sender domain listed in dbl.spamhaus.org", "list.spamhaus-dbl"},
		{bounce.ReputationIP, "microsoft", "5.7.1", "part of their network is on our block list (S3140).", "microsoft.s3140"},
		{bounce.ReputationIP, "", "", "blocked by S31400", "blocklist"},
		{bounce.AuthDMARC, "microsoft", "5.7.515", "Access denied, sending domain does not meet the required level", "microsoft.5.7.515"},
		{bounce.RateLimited, "gmail", "4.7.28", "unusual rate of unsolicited mail", "google.rate"},
		{bounce.RateLimited, "", "4.7.28", "unusual rate", "rate"},
		{bounce.RateLimited, "yahoo", "4.7.0", "[TSS04] Messages from 192.0.2.1 temporarily deferred", "yahoo.deferral"},
		{bounce.AuthSPF, "gmail", "5.7.27", "SPF did not pass", "spf"},
		{bounce.PolicyRejected, "mimecast", "", "Administrative prohibition", "policy.mimecast"},
	} {
		if got, ok := CauseOf(c.reason, c.vendor, c.status, c.text); !ok || got.ID != c.want {
			t.Errorf("%v %q: %q, want %q", c.reason, c.text, got.ID, c.want)
		}
	}
	if _, ok := CauseOf(bounce.UserUnknown, "", "5.1.1", "see spamhaus"); ok {
		t.Error("an unknown user became our fault")
	}
}
