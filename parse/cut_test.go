package parse

import (
	"bytes"
	"strings"
	"testing"

	"harvester/parse/bounce"
)

// strength orders what a verdict does to an address.
func strength(r *Recipient) int {
	switch {
	case r.Action != bounce.Failed:
		return 0
	case r.Class == bounce.ClassHard:
		return 2
	}
	return 1
}

// A report that lost its last delimiter or its status part makes nobody dead, and
// no cut makes a verdict stronger than that of the whole mail, which is cut at
// every byte.
func TestCutReportsAreNeverHard(t *testing.T) {
	for _, file := range []string{"defects/final-recipient-is-program.eml", "defects/status-base64.eml", "amavis/failed-mta-blocked.eml", "aol/failed-classic.eml", "apple/failed-oracle.eml",
		"communigate/failed-disabled.eml", "courier/failed.eml", "docomo/failed.eml", "domino/failed.eml", "exchange/2003-failed-several.eml", "exchange/2007-failed.eml", "exchange/2010-failed-nested.eml",
		"postfix/failed-quoted-local-part.eml"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			raw := fixture(t, file)
			whole := map[string]int{}
			hard := false
			res := Parse(raw, ours)
			for i := range res.Recipients {
				r := &res.Recipients[i]
				hard = hard || r.Class == bounce.ClassHard
				for _, a := range []string{r.Recipient, r.FinalRecipient, r.Behind} {
					whole[strings.ToLower(a)] = max(whole[strings.ToLower(a)], strength(r))
				}
			}
			step := 1
			if testing.Short() {
				step = 13
			}
			end := bytes.LastIndex(raw, []byte("--")) // of the last delimiter
			body := max(bytes.Index(raw, []byte("\n\n")), bytes.Index(raw, []byte("\r\n\r\n")))
			for n := 0; n < len(raw); n += step {
				res := Parse(raw[:n:n], ours)
				for i := range res.Recipients {
					r := &res.Recipients[i]
					if s := strength(r); s > whole[strings.ToLower(r.Recipient)] || s == 2 && n > body && n < end {
						t.Fatalf("cut at byte %d, behind %q: %s is %s, %s", n, raw[max(0, n-60):n], r.Recipient, r.Reason, r.Class)
					}
				}
			}
			if !hard {
				t.Skip("it makes nobody dead as a whole")
			}
		})
	}
}
