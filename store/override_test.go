package store

import (
	"context"
	"errors"
	"strings"
	"testing"

	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/policy"
	"harvester/store/query"
)

func TestOperatorsActs(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	commit(t, db, failure(0, "a@example.net", bounce.UserUnknown), failure(1, "b@mail.example.net", bounce.UserUnknown), failure(2, "c@example.com", bounce.UserUnknown))
	act := func(a policy.Act, pattern string) policy.Override {
		t.Helper()
		o, err := db.Judge.Override(ctx, policy.Override{Act: a, Pattern: pattern, Reason: "asked by phone", Author: "ops"})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	keys := func() string {
		var out []string
		for _, s := range listed(t, db, query.Filter{}) {
			out = append(out, s.Source+":"+s.Key)
		}
		return strings.Join(out, " ")
	}
	want := func(s string) {
		t.Helper()
		if got := keys(); got != s {
			t.Errorf("list is %q, want %q", got, s)
		}
	}
	domain := act(policy.Allow, "*@example.net")
	want("bounce:b@mail.example.net bounce:c@example.com")
	below := act(policy.Allow, "@*.example.net")
	want("bounce:c@example.com")
	for _, o := range []policy.Override{domain, below} {
		if _, err := db.Judge.Override(ctx, policy.Override{Act: policy.Undo, Target: o.ID, Reason: "mistake", Author: "ops"}); err != nil {
			t.Fatal(err)
		}
	}
	want("bounce:a@example.net bounce:b@mail.example.net bounce:c@example.com")
	if _, err := db.Judge.Override(ctx, policy.Override{Act: policy.Undo, Target: domain.ID, Reason: "again", Author: "ops"}); err == nil {
		t.Error("undone twice")
	}
	if _, err := db.Judge.Override(ctx, policy.Override{Act: policy.Undo, Target: 999, Reason: "x", Author: "ops"}); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	act(policy.Add, "New.Person@Example.net")
	act(policy.Remove, "C@example.com")
	want("bounce:a@example.net bounce:b@mail.example.net operator:new.person@example.net")
	act(policy.Add, "@bad.example")
	for address, rows := range map[string]int{"Anybody@BAD.example": 1, "anybody@sub.bad.example": 0, "x@example.com": 0} {
		if got, err := db.List.Lookup(ctx, address); err != nil || len(got) != rows {
			t.Errorf("%s: %+v %v", address, got, err)
		}
	}
	if all, err := db.Acts.Overrides(ctx); err != nil || len(all) != 7 || !all[0].Undone || all[6].Undone {
		t.Errorf("history: %+v %v", all, err)
	}
	for _, tt := range []struct {
		o    policy.Override
		says string
	}{
		{policy.Override{Act: policy.Add, Pattern: "a@example.net", Author: "ops"}, "reason"},
		{policy.Override{Act: policy.Add, Pattern: "a@example.net", Reason: "x"}, "author"},
		{policy.Override{Act: policy.Add, Pattern: "nonsense", Reason: "x", Author: "ops"}, "not an address"},
		{policy.Override{Act: policy.Allow, Pattern: "@", Reason: "x", Author: "ops"}, "covers too much"},
		{policy.Override{Act: policy.Allow, Pattern: "*@*", Reason: "x", Author: "ops"}, "covers too much"},
		{policy.Override{Act: policy.Allow, Pattern: "@com", Reason: "x", Author: "ops"}, "covers too much"},
		{policy.Override{Act: policy.Add, Pattern: "me@example.org", Reason: "x", Author: "ops"}, "our own domains"},
		{policy.Override{Act: policy.Add, Pattern: "@example.org", Reason: "x", Author: "ops"}, "our own domains"},
		{policy.Override{Act: policy.Add, Pattern: "postmaster@example.net", Reason: "x", Author: "ops"}, "role address"},
	} {
		if _, err := db.Judge.Override(ctx, tt.o); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: got %v, want %q", tt.o, err, tt.says)
		}
	}
}

// A domain covers also who is known by an operator's word alone.
func TestDomainCoversWhoNeverFailed(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, Options{})
	for i, o := range []policy.Override{
		{Act: policy.Add, Pattern: "b@example.net"},
		{Act: policy.Allow, Pattern: "@example.net"},
		{Act: policy.Add, Pattern: "c@mail.example.com"},
		{Act: policy.Remove, Pattern: "@*.example.com"},
	} {
		o.Reason, o.Author = "a test", "ops"
		if _, err := db.Judge.Override(ctx, o); err != nil {
			t.Fatal(err)
		}
		if got := listed(t, db, query.Filter{}); len(got) != 1-i%2 {
			t.Errorf("after %v %s: %+v", o.Act, o.Pattern, got)
		}
	}
}
