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

// A refusal of the sender, the path or the message must never look like a bad
// address, however much it speaks of users and addresses.
func TestLiveAddressesStayAlive(t *testing.T) {
	for _, text := range []string{
		"550 5.7.1 <a@example.com>: Recipient address rejected: Access denied",
		"550 sender address <a@example.org> does not exist",
		"550 return path a@example.org: user unknown",
		"550 Mail from user a@example.org does not exist, callback verification failed",
		"550 unable to verify address of sender",
		"450 4.1.1 <a@example.com>: Recipient address rejected: unverified address: unknown user, checking",
		"554 5.7.1 host name of your mail server does not exist",
		"550 PTR record for address 192.0.2.1 does not exist",
		"550 5.1.1 too many invalid recipients",
		"535 invalid user name or password",
		"550 5.7.1 user authentication failed: unknown user name or bad password",
		"554 Email address invalid in From header",
		"550 your account is suspended",
		"550 the sending account has been closed",
		"554 Sending address not accepted: account disabled by administrator of example.org",
		"550 5.7.1 email rejected: address 192.0.2.1 listed, unknown host",
		"554 message contains invalid address list",
		"550 recipient list: unknown error",
		"421 4.4.2 connection dropped, mailbox closed",
		"554 5.7.1 <mx.example.org>: HELO hostname not found, address unknown",
		"550-Verification failed for <bounce@example.org>\n550-No Such User Here\n550 Sender verify failed",
		"550 5.1.0 - Unknown address error 550-'5.7.1 access denied here'",
		"503 User unknown - https://community.mimecast.com/docs/DOC-1369#503",
		"550-Requested action not taken: mailbox unavailable\n550 Reject due to policy restrictions.",
		"550 Mailbox unavailable or access denied https://service.mail.qq.com/",
		"550 permanent failure for one or more recipients (a@example.com:blocked)",
		"550 5.2.1 The user you are trying to contact is receiving mail at a rate that - gsmtp",
	} {
		if a := Builtin().Classify(Query{Text: text, Action: bounce.Failed}); a.Reason.Class(bounce.Failed) == bounce.ClassHard {
			t.Errorf("%v by %q on %q: %q", a.Reason, a.Rule, a.Evidence, text)
		}
	}
}
