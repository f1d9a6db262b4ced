package notify

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"

	"harvester/store/policy"
)

func TestAlert(t *testing.T) {
	at := time.Date(2026, 11, 25, 8, 5, 0, 0, time.UTC)
	news := func(id string, u policy.Urgency, what string) policy.News {
		return policy.News{What: what, Alarm: policy.Alarm{Opened: at.Add(-time.Hour), Told: at,
			Trouble: policy.Trouble{ID: id, Urgency: u, Title: id + " is in\r\ntrouble", Next: "harvester " + id}}}
	}
	a := &Alert{Schema: AlertSchema, Host: "mail.example.org", At: at, News: []policy.News{news("news", policy.Now, "worse"), news("shop", policy.Soon, "opened"), news("spf", policy.Soon, "closed")}}
	if got := a.Subject(); got != "[harvester] CRIT mail.example.org: worse: news is in trouble; 2 more" {
		t.Error(got)
	}
	want := `CRIT  worse: news is in trouble
      since 2026-11-25 07:05
      -> harvester news
WARN  shop is in trouble
      -> harvester shop
WARN  over: spf is in trouble
      since 2026-11-25 07:05

mail.example.org, 2026-11-25 08:05 UTC
`
	if got := a.Text(); got != want {
		t.Errorf("got\n%s", got)
	}
	body, err := a.Compose([]*mail.Address{{Address: "harvester@example.org"}}, []*mail.Address{{Address: "postmaster@example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := mail.CreateReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := r.Header.MessageID(); err != nil || id != a.MessageID() || !strings.HasSuffix(id, "@mail.example.org") {
		t.Errorf("%q %v", id, err)
	}
	if r.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Error("an auto-responder would answer")
	}
	closed := &Alert{Host: "h", At: at, News: a.News[2:]}
	if got := closed.Subject(); got != "[harvester] OK h: over: spf is in trouble" {
		t.Error(got)
	}
}
