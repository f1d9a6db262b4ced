package web

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"harvester/schedule/diagnose"
	"harvester/store/facts"
)

// What a look at DNS found stands on the page of the incident, with the records
// beside the failures; what it refuted marks the receiver. Text of a record
// stays text.
func TestFindingsOnPages(t *testing.T) {
	c := start(t, nil)
	all, err := c.set.DB.Incidents.Incidents(t.Context(), time.Time{})
	if err != nil || len(all) == 0 {
		t.Fatal(err)
	}
	in := &all[0]
	f := diagnose.Finding{ID: "spf.pass", Incident: in.ID, Verdict: diagnose.Refuted, Answer: "the record authorises 192.0.2.25 now", Owner: diagnose.Nobody,
		Claim: &diagnose.Claim{Sentence: "550 SPF", Count: 1, Operators: []string{in.Receivers[0]}},
		Timeline: []diagnose.Moment{
			{From: in.Opened, To: in.Opened, Record: "TXT example.org.", State: "found", Values: []string{"v=spf1 <script>alert(1)</script> -all"}},
			{From: in.Opened, To: in.LastSeen, Failures: 1234},
		}}
	body, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.set.DB.Findings.KeepFindings(t.Context(), in.ID, []facts.Finding{{ID: f.ID, Subject: "example.org", Verdict: string(f.Verdict), Answer: f.Answer, Body: body}}); err != nil {
		t.Fatal(err)
	}
	page := c.want(http.StatusOK, "the record authorises 192.0.2.25 now", "GET", "/incident?id="+url.QueryEscape(in.ID), "")
	for _, want := range []string{"TXT example.org. v=spf1 <script>alert(1)</script> -all", "1,234 failures", in.Receivers[0] + "</a> said so all the same"} {
		if !strings.Contains(html.UnescapeString(page), want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	if strings.Contains(page, "<script>alert") {
		t.Error("a record's text is no text any more")
	}
	c.want(http.StatusOK, "the record authorises 192.0.2.25 now", "GET", "/receiver?name="+url.QueryEscape(in.Receivers[0]), "")
	if other := c.want(http.StatusOK, "", "GET", "/receiver?name=nobody.example", ""); strings.Contains(other, "What was not so") {
		t.Error("another receiver is marked")
	}
}
