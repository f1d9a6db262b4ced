package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // as BATV has it
	"fmt"
	"strings"
	"testing"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/envelope"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
)

// A signed return path proves whom we mailed, whatever the notice says; a
// forged or an expired one proves nothing.
func TestSignedReturnPathProves(t *testing.T) {
	shape := func(key string) *envelope.VERP {
		v, err := envelope.NewVERP("b-{token}-{local}={domain}@bounces.example.org", []byte(key))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	codec := shape("0123456789abcdef")
	db := openTest(t, Options{ReturnPaths: []*envelope.VERP{codec}})
	to := func(n int, path, final string) facts.Item {
		it := failure(n, final, bounce.UserUnknown, func(it *facts.Item) { it.Result.Original, it.Result.DeliveredTo = parse.Original{}, path })
		return it
	}
	sign := func(a string, v *envelope.VERP, day int) string {
		p, err := v.Sign(a, epoch.AddDate(0, 0, day))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	good := sign("jane@example.net", codec, 0)
	other := shape("fedcba9876543210")
	two := to(4, sign("one@example.net", codec, 4), "one@example.net")
	second := two.Result.Recipients[0]
	second.Recipient, second.FinalRecipient = "two@example.net", "two@example.net"
	two.Result.Recipients = append(two.Result.Recipients, second)
	commit(t, db,
		to(0, good, "forwarded@elsewhere.example"), // we mailed Jane, who forwards
		to(1, sign("forged@example.net", other, 1), "forged@example.net"),
		to(3, sign("expired@example.net", codec, -90), "expired@example.net"),
		two)
	var keys []string
	for _, s := range listed(t, db, query.Filter{}) {
		keys = append(keys, s.Key+" "+s.Proof.String())
	}
	if got := strings.Join(keys, ", "); got != "jane@example.net signed, one@example.net signed" {
		t.Errorf("list: %s", got)
	}
	if revised, _, err := db.Recompute(context.Background(), nil); err != nil || revised != 0 {
		t.Errorf("judged anew, %d events differ: %v", revised, err)
	}
}

const pathKey = "0123456789abcdef"

func shaped(t testing.TB) *envelope.VERP {
	t.Helper()
	v, err := envelope.NewVERP("b-{token}-{local}={domain}@bounces.example.org", []byte(pathKey))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A path that is used again adds nothing, however the notices to it differ; the
// operator's word is not undone by it either.
func TestReplayedPathCountsOnce(t *testing.T) {
	ctx := context.Background()
	v := shaped(t)
	now := &clock{epoch.AddDate(0, 0, 20)}
	db := openTest(t, Options{ReturnPaths: []*envelope.VERP{v}, Now: now.now})
	to := func(n int, reason bounce.Reason, path string) facts.Item {
		return failure(n, "jane@example.net", reason, func(it *facts.Item) {
			it.Result.DeliveredTo, it.Result.Original = path, parse.Original{MessageID: fmt.Sprintf("<made-up-%d>", n)}
		})
	}
	sign := func(day int) string {
		path, err := v.Sign("jane@example.net", epoch.AddDate(0, 0, day))
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := sign(0)
	for day := range 8 { // mailbox_full suppresses after three days
		commit(t, db, to(day, bounce.MailboxFull, strings.ToUpper(path)))
	}
	if got := listed(t, db, query.Filter{}); len(got) != 0 {
		t.Fatalf("one token counted on several days: %+v", got)
	}
	commit(t, db, to(9, bounce.MailboxFull, sign(8)), to(10, bounce.MailboxFull, sign(10)))
	if got := listed(t, db, query.Filter{}); len(got) != 1 {
		t.Fatalf("three mails that failed are on the list as %+v", got)
	}
	if _, err := db.Judge.Override(ctx, policy.Override{Act: policy.Remove, Pattern: "jane@example.net", Reason: "r", Author: "a"}); err != nil {
		t.Fatal(err)
	}
	now.t = now.t.AddDate(0, 0, 3)
	for day := 20; day < 23; day++ {
		commit(t, db, to(day, bounce.MailboxFull, sign(10)))
	}
	if got := listed(t, db, query.Filter{}); len(got) != 0 {
		t.Fatalf("a path used again undid the operator's act: %+v", got)
	}
	if revised, _, err := db.Recompute(ctx, nil); err != nil || revised != 0 {
		t.Errorf("judged anew, %d events differ: %v", revised, err)
	}
}

// A tag proves that the notice answers a mail of ours, not whom it went to; a
// tag that does not verify takes away what the notice encloses.
func TestTaggedReturnPath(t *testing.T) {
	batv, err := envelope.NewBATV([]byte(pathKey))
	if err != nil {
		t.Fatal(err)
	}
	db := openTest(t, Options{BATV: batv})
	tag := func(day int, address string) string {
		head := fmt.Sprintf("0%03d", (epoch.AddDate(0, 0, day).Unix()/86400+7)%1000)
		h := hmac.New(sha1.New, []byte(pathKey))
		h.Write([]byte(head + address))
		return fmt.Sprintf("prvs=%s%x=%s", head, h.Sum(nil)[:3], address)
	}
	item := func(n int, to, path string, enclosed bool) facts.Item {
		return failure(n, to, bounce.UserUnknown, func(it *facts.Item) {
			it.Result.DeliveredTo = path
			if !enclosed {
				it.Result.Original = parse.Original{}
			}
		})
	}
	commit(t, db,
		item(1, "both@example.net", tag(0, "bounces@example.org"), true),
		item(2, "bare@example.net", tag(0, "bounces@example.org"), false),
		item(3, "forged@example.net", "prvs=0123abcdef=bounces@example.org", true),
		item(20, "late@example.net", tag(0, "bounces@example.org"), true),
		item(4, "theirs@example.net", "prvs=0123abcdef=list@elsewhere.example", true),
		item(5, "plain@example.net", "bounces@example.org", true))
	got := ""
	for _, s := range listed(t, db, query.Filter{}) {
		got += s.Key + " " + s.Proof.String() + ", "
	}
	if want := "bare@example.net returned, both@example.net returned, plain@example.net returned, theirs@example.net returned, "; got != want {
		t.Errorf("list: %s\nwant:  %s", got, want)
	}
	for key, want := range map[string]string{"forged@example.net": facts.DoubtForged, "late@example.net": facts.DoubtExpired} {
		x, err := db.List.Explain(context.Background(), key, nil)
		if err != nil || !strings.Contains(x.Events[0].Why, want) {
			t.Errorf("%s: %+v %v", key, x.Events, err)
		}
	}
}

// Without the keys at hand nothing is judged anew, so that an operator's act
// leaves the verdicts as they are.
func TestKeysUnread(t *testing.T) {
	ctx := context.Background()
	path := t.TempDir() + "/h.db"
	v := shaped(t)
	db := openAt(t, path, Options{ReturnPaths: []*envelope.VERP{v}})
	commit(t, db, failure(0, "forged@example.net", bounce.UserUnknown, func(it *facts.Item) {
		it.Result.DeliveredTo = "b-20550-0123456789ab-forged=example.net@bounces.example.org"
	}))
	was, err := judge.ComputedWith(ctx, db.Read)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path, Options{KeysUnread: true})
	if now, err := judge.ComputedWith(ctx, db.Read); err != nil || now != was {
		t.Errorf("computed with %q, was %q: %v", now, was, err)
	}
	if got := listed(t, db, query.Filter{}); len(got) != 0 {
		t.Errorf("judged without keys: %+v", got)
	}
}
