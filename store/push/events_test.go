package push

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"harvester/parse/bounce"
	"harvester/store/policy"
)

var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// heard runs a service against a listener and returns what it was posted.
func heard(t *testing.T, service string) (bodies []string, headers []http.Header) {
	t.Helper()
	l := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/hook" {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		bodies, headers = append(bodies, string(b)), append(headers, r.Header)
	}))
	defer l.Close()
	db := openDB(t)
	notice(t, db, bounce.KindBounce, "jane@example.com")
	notice(t, db, bounce.KindComplaint, "carl@example.net")
	notice(t, db, bounce.KindUnsubscribe, "ute@example.net")
	act(t, db, policy.Add, "max@example.net")
	s := to(t, service, l)
	s.URL += "/hook"
	s.List, s.User, s.Key = "arn:aws:sns:eu-central-1:000000000000:bounces", "", "secret"
	mustRun(t, db, s)
	if r := mustRun(t, db, s); r.Requests != 0 {
		t.Errorf("told twice: %+v", r)
	}
	return bodies, headers
}

// A listener to SendGrid's event webhook reads one array of events.
func TestSendgridEvents(t *testing.T) {
	bodies, headers := heard(t, "sendgrid-events")
	const want = `[{"email":"carl@example.net","timestamp":1772435469,"event":"spamreport","sg_event_id":"ID"},` +
		`{"email":"jane@example.com","timestamp":1772435469,"event":"bounce","sg_event_id":"ID","type":"bounce","reason":"550 5.1.1 no such user","status":"5.1.1","bounce_classification":"Invalid Address"},` +
		`{"email":"max@example.net","timestamp":1775113869,"event":"dropped","sg_event_id":"ID","reason":"suppressed by harvester: manual"},` +
		`{"email":"ute@example.net","timestamp":1772435469,"event":"unsubscribe","sg_event_id":"ID"}]`
	if len(bodies) != 1 || ids.ReplaceAllString(bodies[0], "ID") != want {
		t.Errorf("%q\nwant %q", bodies, want)
	}
	if got := headers[0].Get("Authorization"); got != "Bearer secret" {
		t.Errorf("signed in with %q", got)
	}
	var events []sendgridEvent
	if err := json.Unmarshal([]byte(bodies[0]), &events); err != nil || events[0].ID == events[1].ID {
		t.Errorf("%v, %v", events, err)
	}
}

// A listener to SES by SNS reads one envelope for each recipient, whose Message is
// JSON once more. Nothing in it pretends to be signed.
func TestSESEvents(t *testing.T) {
	bodies, headers := heard(t, "ses-events")
	want := map[string]string{
		"Complaint": `{"notificationType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"carl@example.net"}],"timestamp":"2026-03-02T07:11:09.000Z","feedbackId":"ID"},"mail":{"timestamp":"2026-03-02T07:11:09.000Z","destination":["carl@example.net"]}}`,
		"NoEmail":   `{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"NoEmail","bouncedRecipients":[{"emailAddress":"jane@example.com","action":"failed","status":"5.1.1","diagnosticCode":"550 5.1.1 no such user"}],"timestamp":"2026-03-02T07:11:09.000Z","feedbackId":"ID"},"mail":{"timestamp":"2026-03-02T07:11:09.000Z","destination":["jane@example.com"]}}`,
		"OnAccount": `{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"OnAccountSuppressionList","bouncedRecipients":[{"emailAddress":"max@example.net"}],"timestamp":"2026-04-02T07:11:09.000Z","feedbackId":"ID"},"mail":{"timestamp":"2026-04-02T07:11:09.000Z","destination":["max@example.net"]}}`,
	}
	if len(bodies) != len(want) {
		t.Errorf("%d notifications: %q", len(bodies), bodies)
	}
	for i, body := range bodies {
		var envelope map[string]string
		if err := json.Unmarshal([]byte(body), &envelope); err != nil {
			t.Fatal(err)
		}
		h := headers[i]
		if envelope["Type"] != "Notification" || envelope["TopicArn"] != "arn:aws:sns:eu-central-1:000000000000:bounces" || strings.Contains(body, "Signature") || strings.Contains(body, "Signing") ||
			h.Get("x-amz-sns-message-type") != "Notification" || h.Get("x-amz-sns-message-id") != envelope["MessageId"] || !ids.MatchString(envelope["MessageId"]) {
			t.Errorf("the envelope %s\n%v", body, h)
		}
		found := false
		for _, message := range want {
			found = found || ids.ReplaceAllString(envelope["Message"], "ID") == message
		}
		if !found {
			t.Errorf("%s", envelope["Message"])
		}
	}
}
