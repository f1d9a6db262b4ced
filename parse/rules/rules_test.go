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
		"550 we have never heard of your domain",
		"550 your address isn't listed in our directory of senders",
		"554 a link in the message could not be found",
		"550 attachment name is not valid",
		"550 account of the sender was never created",
		"550 the domain of your address does not exist",
		"535 no account named bob, login failed",
		"550 your password is no longer valid",
		"550 certificate of your server is no longer valid",
		"550 our licence has expired, mail is not accepted",
		"421 mailbox database unavailable, user lookup failed",
		"450 user lookup failed, try later",
		"550 the mail server is disabled for maintenance",
		"550 delivery to this domain has been disabled by an administrator of the sender",
		"554 your user has been suspended for spamming",
		"550 sender account closed",
		"550 mailbox of the sender could not be verified",
		"550 SPF record not found for user domain example.org",
		"550 cannot find your hostname",
		"554 5.7.1 host unknown: your reverse DNS does not exist",
		"550 list of recipients contains an invalid header",
		"550 the subject of this mail is not valid",
		"451 recipient mailbox locked by another process",
		"450 mailbox is being moved to a new address, try later",
		"550 message rejected: user reported it as spam",
		"550 5.1.1 too many unknown recipients from your IP",
		"550 5.1.1 directory harvest attack from 192.0.2.5",
		"550 5.2.1 your account has been disabled",
		"554 the sending user does not exist",
		"550 5.1.1 The sender b@example.org does not exist",
		"550 verification of your address failed: mailbox unknown",
		"550 5.1.0 sender rejected, address unknown",
		"550 bounce address b@example.org is not valid",
		"550 5.7.1 Unknown user b@example.org is not allowed to relay",
		"450 4.1.1 kate@example.com: recipient address rejected: unverified address: user unknown in cache",
		"451 4.3.0 alias database unavailable, user unknown to us right now",
		"550 connection dropped, session closed, user gone",
		"550 message-id domain does not exist",
		"550 your mail client is no longer supported",
		"554 the IP address has moved, try mx2.example.com",
		"550 please use your provider's mail server address",
		"550 the server has moved to mx.example.net",
		"554 we no longer accept mail from your network",
		"550 the account is not allowed to receive mail from outside",
		"550 mailbox closed to outside senders",
		"550 list archived: members only may post",
		"550 address list of your message is malformed",
		"550 5.1.3 sender address is not valid",
		"550 policy no longer valid, contact the postmaster",
		"550 Der Absender existiert nicht",
		"550 Ihre Domain existiert nicht",
		"550 Absenderadresse unbekannt",
		"550 l'expéditeur n'existe pas",
		"550 le domaine de l'expéditeur est inconnu",
		"550 el remitente no existe",
		"550 la dirección del remitente no es válida",
		"550 il mittente non esiste",
		"550 o remetente não existe",
		"550 адрес отправителя не существует",
		"550 发件人地址不存在",
		"550 送信者のアドレスが存在しません",
		"550 보낸 사람의 주소가 존재하지 않습니다",
		"550 gönderen adresi bulunamadı",
		"550 adres nadawcy nie istnieje",
		"550 adresa odesílatele neexistuje",
		"550 avsändarens adress finns inte",
		"550 de afzender bestaat niet",
		"550 Ihr Konto ist gesperrt",
		"550 votre compte est désactivé",
		"550 su cuenta está suspendida",
		"550 ваш аккаунт заблокирован",
		"550 您的账号已被冻结",
		"550 the URL http://example.org does not exist",
		"550 mx.example.org does not exist, HELO refused",
		"554 5.7.1 example.org does not exist as a sending domain",
		"550 recipient exists but refuses your mail",
		"550 the user's mail client rejected the message",
		"550 mailbox temporarily disabled for maintenance",
		"450 4.2.1 mailbox disabled, try again later",
	} {
		if a := Builtin().Classify(Query{Text: text, Action: bounce.Failed}); a.Reason.Class(bounce.Failed) == bounce.ClassHard {
			t.Errorf("%v by %q on %q: %q", a.Reason, a.Rule, a.Evidence, text)
		}
	}
}
