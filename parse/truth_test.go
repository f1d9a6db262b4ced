package parse_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"harvester/fixtures"
	"harvester/parse"
	"harvester/parse/bounce"
)

// Promise 1, held against what people read in the sample mails: nobody is named
// whom we did not mail, and nobody is called dead whom the notice does not call
// dead. -v prints every other difference.
func TestSampleMailsHurtNobody(t *testing.T) {
	truth, err := fixtures.FS.ReadFile("truth.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	opt := &parse.Options{OwnDomains: []string{"example.org"}}
	people, same := 0, 0
	for _, line := range bytes.Split(bytes.TrimSpace(truth), []byte("\n")) {
		var want struct {
			File       string
			Recipients []struct {
				Recipient string
				Action    bounce.Action
				Reason    bounce.Reason
			}
		}
		line = bytes.ReplaceAll(line, []byte(`"reason": ""`), []byte(`"reason": "unclassified"`))
		if err := json.Unmarshal(line, &want); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		mail, err := fixtures.FS.ReadFile(want.File)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]parse.Recipient{}
		for _, r := range parse.Parse(mail, opt).Recipients {
			got[strings.ToLower(r.Recipient)] = r
		}
		for _, w := range want.Recipients {
			people++
			r, ok := got[strings.ToLower(w.Recipient)]
			delete(got, strings.ToLower(w.Recipient))
			switch {
			case !ok:
				t.Logf("%s: %s is not named", want.File, w.Recipient)
			case r.Class == bounce.ClassHard && w.Reason.Class(w.Action) != bounce.ClassHard:
				t.Errorf("%s: %s is called dead (%v, rule %q), the notice says %v", want.File, w.Recipient, r.Reason, r.Rule, w.Reason)
			case r.Action != w.Action || r.Reason != w.Reason:
				t.Logf("%s: %v %v, the notice says %v %v (rule %q)", want.File, r.Action, r.Reason, w.Action, w.Reason, r.Rule)
			default:
				same++
			}
		}
		for who := range got {
			t.Errorf("%s: %s is named, we mailed no such address", want.File, who)
		}
	}
	t.Logf("%d of %d recipients as the notices say", same, people)
}
