package rules

import (
	"testing"

	"harvester/parse/bounce"
)

func TestBuiltinLoads(t *testing.T) {
	if n := len(Builtin().Rules()); n < 20 {
		t.Fatalf("%d rules", n)
	}
}

// An answer rests on the innermost words, then on codes.
func TestClassify(t *testing.T) {
	for _, c := range []struct {
		name, text, field string
		action            bounce.Action
		want              bounce.Reason
		status            string
		reply             int
		by                bounce.Confidence
	}{
		{"phrase", "550 5.1.1 <a@example.com>: Recipient address rejected: User unknown", "", 0, bounce.UserUnknown, "5.1.1", 550, bounce.ByRule},
		{"sender before recipient", "550 5.1.1 mail refused, your IP is blacklisted, user unknown", "", 0, bounce.ReputationIP, "5.1.1", 550, bounce.ByRule},
		{"inner reply wins", "550 5.4.300 Message expired -> 451 4.7.1 relaying denied", "5.4.300", bounce.Failed, bounce.RelayDenied, "4.7.1", 451, bounce.ByRule},
		{"inner code wins over outer words", "<a@example.com>: Recipient address rejected: undeliverable address: host mx.example.net[192.0.2.1] said: 550 5.2.2 sorry", "5.1.1", bounce.Failed, bounce.MailboxFull, "5.2.2", 550, bounce.ByStatus},
		{"status in text", "554 5.7.25 nope", "", 0, bounce.AuthPTR, "5.7.25", 554, bounce.ByStatus},
		{"field", "smtp; nope", "5.2.2", bounce.Failed, bounce.MailboxFull, "5.2.2", 0, bounce.ByStatus},
		{"x.0.0 loses", "550 5.0.0 nope", "5.1.1", bounce.Failed, bounce.UserUnknown, "5.1.1", 550, bounce.ByStatus},
		{"4.x.x failed", "451 4.4.9 nope", "4.4.9", bounce.Failed, bounce.Expired, "4.4.9", 451, bounce.ByStatus},
		{"4.1.1 is no dead address", "450 4.1.1 nope", "4.1.1", bounce.Failed, bounce.Expired, "4.1.1", 450, bounce.ByStatus},
		{"delay", "", "4.0.0", bounce.Delayed, bounce.Deferred, "4.0.0", 0, bounce.ByAction},
		{"550 alone", "550 hmm", "", 0, bounce.Unclassified, "", 550, bounce.ByNothing},
		{"nothing", "", "", 0, bounce.Unclassified, "", 0, bounce.ByNothing},
		{"later, given up", "451 please try again later", "4.0.0", bounce.Failed, bounce.Expired, "4.0.0", 451, bounce.ByRule},
		{"5.7.1 says little", "550 5.7.1 hmm", "", 0, bounce.PolicyRejected, "5.7.1", 550, bounce.ByStatus},
		{"words in an address", "550 <virus.spam@example.com> user unknown", "", 0, bounce.UserUnknown, "", 550, bounce.ByRule},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := Query{Text: c.text, Status: c.field, Action: c.action}
			a := Builtin().Classify(q)
			if a.Reason != c.want || a.Status != c.status || a.ReplyCode != c.reply || a.Confidence != c.by {
				t.Errorf("got %+v", a)
				for _, s := range Builtin().Why(q) {
					t.Log(s)
				}
			}
		})
	}
}

// Every example is won by its own rule, every counter-example is not.
func TestExamples(t *testing.T) {
	for _, f := range Builtin().Test() {
		t.Error(f)
	}
}

func TestBuiltinIsLintClean(t *testing.T) {
	for _, p := range Builtin().Lint() {
		t.Error(p)
	}
}
