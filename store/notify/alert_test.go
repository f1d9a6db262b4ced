package notify

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"

	"harvester/store/policy"
)

func TestAlert(t *testing.T) {
	at := time.Date(2026, 11, 25, 8, 5, 0, 0, time.UTC)
	news := func(id string, u policy.Urgency, what, opening string) policy.News {
		n := policy.News{What: what, Alarm: policy.Alarm{Opened: at.Add(-time.Hour),
			Trouble: policy.Trouble{ID: id, Urgency: u, Title: id + " is in\r\ntrouble", Next: "harvester " + id}}}
		if what == policy.Closed {
			n.Gone = at.Add(-30 * time.Minute)
		}
		n.Last.Opening = opening
		return n
	}
	a := &Alert{Host: "mail.example.org", At: at, News: []policy.News{news("news", policy.Now, policy.Worse, "one@mail.example.org"),
		news("shop", policy.Soon, policy.Opened, ""), news("spf", policy.Now, policy.Closed, "one@mail.example.org")}}
	if got := a.Subject(); got != "[harvester] CRIT mail.example.org: worse: news is in trouble; 2 more" {
		t.Error(got)
	}
	want := `CRIT  worse: news is in trouble
      since 2026-11-25 07:05
      -> harvester news
WARN  shop is in trouble
      since 2026-11-25 07:05
      -> harvester shop
OK    over: spf is in trouble
      from 2026-11-25 07:05 to 2026-11-25 07:35

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
	for _, field := range []string{"In-Reply-To", "References"} {
		if ids, err := r.Header.MsgIDList(field); err != nil || !slices.Equal(ids, []string{"one@mail.example.org"}) {
			t.Errorf("%s: %q %v", field, ids, err)
		}
	}
	if r.Header.Get("Auto-Submitted") != "auto-generated" || r.Header.Get("X-Harvester-Status") != "crit" {
		t.Errorf("an auto-responder would answer: %v", r.Header)
	}
	later := *a
	later.At = at.Add(time.Hour)
	if later.MessageID() != a.MessageID() {
		t.Error("another try is another message")
	}
	closed := &Alert{Host: "h", At: at, News: a.News[2:]}
	if got := closed.Subject(); got != "[harvester] OK h: over: spf is in trouble" {
		t.Error(got)
	}
	if closed.MessageID() == a.MessageID() {
		t.Error("other news have the same id")
	}
}
