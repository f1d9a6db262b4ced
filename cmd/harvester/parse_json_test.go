package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"harvester/parse"
	"harvester/parse/bounce"
)

// reflected is what showJSON has to write.
func reflected(t *testing.T, file string, r *parse.Result) string {
	t.Helper()
	if r.Recipients == nil {
		r.Recipients = []parse.Recipient{}
	}
	if r.Notes == nil {
		r.Notes = []string{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		File string `json:"file"`
		*parse.Result
	}{file, r})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sureness is what is shown without a tag: the goldens do without it.
var sureness = regexp.MustCompile(`,"certainty":[0-9.]+`)

// tagged is what is shown of the fields that have tags.
func tagged(shown []byte) string { return string(sureness.ReplaceAll(shown, nil)) }

func full(s string) *parse.Result {
	at := parse.Time{Time: time.Date(2026, 11, 3, 9, 0, 0, 0, time.FixedZone("", 3600))}
	return &parse.Result{
		Kind: bounce.KindBounce, Dialect: s, MessageID: s, ReportingMTA: s, Arrival: at,
		Original: parse.Original{MessageID: s, From: s, To: s, Subject: s, Date: s, ReturnPath: s, Sender: s, ListID: s,
			FeedbackID: s, DKIM: []string{s, s}},
		FeedbackType: s,
		Recipients: []parse.Recipient{{}, {Recipient: s, OriginalRecipient: s, FinalRecipient: s, Action: bounce.Failed,
			Status: s, ReplyCode: 550, Reason: bounce.UserUnknown, Fault: bounce.FaultRecipient, Class: bounce.ClassHard,
			Vendor: s, Rule: s, Confidence: bounce.ByRule, RemoteMTA: s, Diagnostic: s, Evidence: s}},
		Notes: []string{s}, From: s, ReturnPath: s, DeliveredTo: s, Subject: s, Date: at, EnvelopeID: s, SenderMessage: s,
		Hint: s, Rules: s,
	}
}

func TestJSONIsThatOfTheTags(t *testing.T) {
	for _, r := range []*parse.Result{{}, full("x"), full("a\"\\\n\r\t\b\f\x00\x1f\x7fé\xff<>&\u2028\u2029😀")} {
		want := reflected(t, "dir/ö.eml", r)
		if diff := cmp.Diff(want, tagged(showJSON(nil, "dir/ö.eml", r))); diff != "" {
			t.Error(diff)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add("plain")
	f.Add("\xff\u2028\"")
	f.Fuzz(func(t *testing.T, s string) {
		if want, got := reflected(t, s, full(s)), tagged(showJSON(nil, s, full(s))); want != got {
			t.Errorf("got %s want %s", got, want)
		}
	})
}

func BenchmarkShowJSON(b *testing.B) {
	r, dst := full("a reply text of ordinary length, as they come"), []byte(nil)
	for b.Loop() {
		dst = showJSON(dst[:0], "f", r)
	}
	b.SetBytes(int64(len(dst)))
}
