package autoreply_test

import (
	"testing"

	"harvester/parse/arf"
	"harvester/parse/autoreply"
	"harvester/parse/bounce"
	"harvester/parse/dsn"
	"harvester/parse/mime"
	"harvester/parse/view"
)

// header builds a header of names and values in turn.
func header(pairs ...string) mime.Header {
	var h mime.Header
	for i := 0; i+1 < len(pairs); i += 2 {
		h = append(h, mime.Field{Name: pairs[i], Value: pairs[i+1]})
	}
	return h
}

// root is the top of a mail of a content type.
func root(contentType string, children ...*mime.Part) *mime.Part {
	p, _ := mime.Read([]byte("Content-Type: "+contentType+"; boundary=b\n\n"), mime.DefaultLimits())
	p.Children = children
	return p
}

func enclosed(mail *mime.Part) *mime.Part {
	return &mime.Part{Type: "message/rfc822", Depth: 1, Children: []*mime.Part{mail}}
}

var (
	dsnRoot = root("multipart/report; report-type=delivery-status")
	failed  = &dsn.Report{Recipients: []dsn.Recipient{{FinalRecipient: "jo@example.org", Action: bounce.Failed, Status: "5.1.1"}}}
)

func TestVeto(t *testing.T) {
	held := &dsn.Report{Recipients: []dsn.Recipient{{FinalRecipient: "news@lists.example", DiagnosticType: "x-sympa", Status: "4.3.0"}}}
	for _, c := range []struct {
		name string
		mail view.Mail
		kind bounce.Kind // KindBounce: no veto
	}{
		{"delivery report with the subject of an answer", view.Mail{Root: dsnRoot, Report: failed, Subject: "Automatic reply: news"}, bounce.KindBounce},
		{"delivery report with Auto-Submitted", view.Mail{Root: dsnRoot, Report: failed, Header: header("Auto-Submitted", "auto-replied", "Precedence", "auto_reply")}, bounce.KindBounce},
		{"delivery report with In-Reply-To", view.Mail{Root: dsnRoot, Report: failed, From: "jo@example.org", Subject: "Re: news", Header: header("In-Reply-To", "<1@example.org>")}, bounce.KindBounce},
		{"held by Sympa", view.Mail{Root: dsnRoot, Report: held}, bounce.KindNotice},
		{"status part inside a forward", view.Mail{Root: root("multipart/mixed"), Report: failed, From: "jo@example.org", Subject: "Fwd: Undelivered Mail Returned to Sender"}, bounce.KindNone},
		{"Exchange NDR of an answer", view.Mail{From: "postmaster@example.org", Subject: "Undeliverable: Automatic reply: news", ReturnPath: "<>"}, bounce.KindBounce},
		{"returned under its own subject", view.Mail{From: "mailer-daemon@example.org", Subject: "Vacation: ten ideas", ReturnPath: "<>"}, bounce.KindBounce},
		{"digest from the postmaster", view.Mail{From: "postmaster@example.org", Subject: "[Postmaster] Messages on hold for jo@example.org"}, bounce.KindNotice},
		{"answer header and X-Failed-Recipients", view.Mail{From: "mailer-daemon@example.org", Header: header("X-Autoreply", "yes", "X-Failed-Recipients", "jo@example.org")}, bounce.KindBounce},
		{"X-Failed-Recipients copied into a forward", view.Mail{From: "jo@example.org", Subject: "Fw: Mail delivery failed", Header: header("X-Failed-Recipients", "a@example.net")}, bounce.KindNone},
		{"auto-replied from a mail system", view.Mail{From: "mailer-daemon@example.org", Header: header("Auto-Submitted", "auto-replied")}, bounce.KindBounce},
		{"auto-replied from a mailbox", view.Mail{From: "jo@example.org", ReturnPath: "<>", Header: header("Auto-Submitted", "auto-replied")}, bounce.KindAutoReply},
		{"vacation from a mail system", view.Mail{From: "postmaster@example.org", Header: header("Auto-Submitted", "auto-replied (vacation)")}, bounce.KindAutoReply},
		{"sieve reject", view.Mail{From: "postmaster@example.org", Receipt: header("Disposition", "automatic-action/MDN-sent-automatically; deleted"), Subject: "Automatically rejected mail", Header: header("Auto-Submitted", "auto-replied (rejected)")}, bounce.KindBounce},
		{"read receipt", view.Mail{From: "jo@example.org", Receipt: header("Disposition", "manual-action/MDN-sent-manually; displayed"), Subject: "Read: news"}, bounce.KindReceipt},
		{"deleted unread", view.Mail{From: "jo@example.org", Receipt: header("Disposition", "manual-action/MDN-sent-manually; deleted"), Subject: "Not read: news"}, bounce.KindReceipt},
		{"TLS report", view.Mail{Root: root(`multipart/report; report-type="tlsrpt"`), From: "postmaster@example.org"}, bounce.KindNotice},
		{"header of negative value", view.Mail{From: "mailer-daemon@example.org", Header: header("X-Autoreply", "no")}, bounce.KindBounce},
		{"person answers an automatic reply", view.Mail{From: "jo@example.org", Subject: "Re: Automatic reply: news", Header: header("In-Reply-To", "<1@example.org>")}, bounce.KindNone},
		{"cPanel answers with Re:", view.Mail{From: "jo@example.org", Subject: "Re: news", Header: header("X-Autorespond", "news", "Precedence", "auto_reply")}, bounce.KindAutoReply},
		{"encloses a bounce", view.Mail{From: "jo@example.org", ReturnPath: "jo@example.org", Subject: "look", Root: root("multipart/mixed", enclosed(root("multipart/report; report-type=delivery-status")))}, bounce.KindNone},
		{"mail system encloses a bounce", view.Mail{From: "mailer-daemon@example.org", Root: root("multipart/mixed", enclosed(root("multipart/report")))}, bounce.KindBounce},
		{"returned mail of ours", view.Mail{From: "admin@example.org", Root: root("multipart/mixed", enclosed(&mime.Part{Header: header("From", "Shop <news@example.com>"), Type: "text/plain"}))}, bounce.KindBounce},
		{"failure in a quote only", view.Mail{From: "jo@example.org", Text: "what is this?\n\n-----Original Message-----\n<a@example.net>: 550 5.1.1 no such user\n"}, bounce.KindNone},
		{"failure above the returned mail", view.Mail{From: "admin@example.org", Text: "Not delivered to <a@example.net>\n\n-----Original Message-----\nFrom: b@example.org\n"}, bounce.KindBounce},
		{"opt-out in an answer", view.Mail{From: "jo@example.org", Subject: "Re: news", Text: "Please unsubscribe me.\n\n> Your news\n"}, bounce.KindUnsubscribe},
		{"opt-out words in our footer only", view.Mail{From: "jo@example.org", Subject: "Re: news", Text: "Thanks!\n\n> unsubscribe me: https://example.org\n"}, bounce.KindNone},
		{"feedback report is for others", view.Mail{Feedback: &arf.Report{}, Subject: "Automatic reply: x"}, bounce.KindBounce},
		{"newsletter", view.Mail{From: "news@example.org", ReturnPath: "b@example.org", Subject: "Undelivered mail explained", Header: header("List-Unsubscribe", "<https://example.org>")}, bounce.KindNone},
		{"nothing", view.Mail{}, bounce.KindBounce},
	} {
		got, ok := autoreply.Veto(&c.mail)
		if ok == (c.kind == bounce.KindBounce) || ok && got.Kind != c.kind {
			t.Errorf("%s: veto %v, kind %s (%s), want %s", c.name, ok, got.Kind, got.Why, c.kind)
		}
		if ok && got.Why == "" {
			t.Errorf("%s: no word of why", c.name)
		}
	}
}

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		name string
		mail view.Mail
		kind bounce.Kind
		hint string
	}{
		{"empty", view.Mail{}, bounce.KindBounce, ""},
		{"left, and who follows", view.Mail{From: "jo@example.org", ReturnPath: "<>", Subject: "Automatic reply: news", Text: "Jo Doe is no longer with the company.\nPlease write to sales@example.org, not jo@example.org.\n"}, bounce.KindAutoReply, "no longer works here: sales@example.org"},
		{"left, in Japanese, without a header", view.Mail{From: "tanaka@example.jp", Text: "お世話になっております。\n田中は三月末で退職いたしました。\n"}, bounce.KindAutoReply, "no longer works here"},
		{"new address", view.Mail{From: "jo@example.org", Header: header("X-Autoreply", "yes"), Text: "My email address has changed: jo@example.net."}, bounce.KindAutoReply, "address changed: jo@example.net"},
		{"phrase far below, alone", view.Mail{From: "postmaster@example.org", Text: "a\nb\nc\nd\nwe will return on Monday\n"}, bounce.KindBounce, ""},
		{"challenge by text", view.Mail{From: "jo@example.org", ReturnPath: "<>", Text: "Your mail is held.\nPlease click the link to verify yourself.\n"}, bounce.KindChallenge, ""},
		{"unsubscribe with a token", view.Mail{From: "jo@example.org", Subject: "unsubscribe 7f3a9c"}, bounce.KindUnsubscribe, ""},
	} {
		got := autoreply.Classify(&c.mail)
		if got.Kind != c.kind || got.Hint != c.hint {
			t.Errorf("%s: %s %q (%s), want %s %q", c.name, got.Kind, got.Hint, got.Why, c.kind, c.hint)
		}
	}
}
