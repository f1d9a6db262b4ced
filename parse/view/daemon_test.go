package view

import "testing"

func TestDaemon(t *testing.T) {
	for from, want := range map[string]bool{
		"MAILER-DAEMON@example.org": true, "postmaster@example.org": true, "post_master@example.org": true, "mailer-daemon": true,
		"Mail.Delivery@example.org": true, "mailer-daemon+1@example.org": true, "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.org": true,
		"jo@example.org": false, "mailer.test.jo@example.org": false, "": false, "master@example.org": false,
	} {
		if got := (&Mail{From: from}).Daemon(); got != want {
			t.Errorf("%q: %v", from, got)
		}
	}
	if !(&Mail{From: "jo@example.org", ReturnPath: "<>"}).Daemon() {
		t.Error("a null return path looks like no daemon")
	}
}
