package status

import (
	"testing"

	"harvester/parse/bounce"
)

func TestFindEnhanced(t *testing.T) {
	for text, want := range map[string]string{
		"550 5.1.1 User unknown":                   "5.1.1",
		"550-5.7.26 not authenticated":             "5.7.26",
		"host mx[192.0.2.5.1] said: 4.2.2 full":    "4.2.2",
		"relay 4.3.2.1 refused":                    "",
		"Exim 4.94.2 at host":                      "",
		"Postfix version 5.1.1 says":               "",
		"on 5.7.2023 we stop":                      "",
		"#5.1.1 smtp;550":                          "5.1.1",
		"(#5.7.1)":                                 "5.7.1",
		"5.4.310 DNS domain does not exist":        "5.4.310",
		"2.1.5 ok":                                 "2.1.5",
		"v4.2.1 only":                              "",
		"bad 15.1.1":                               "",
		"quota exceeded (5.2.2).":                  "5.2.2",
		"permanent failure 5.3.0 - Other #5.3.4 x": "5.3.0",
		"554 5.7.1: refused":                       "5.7.1",
		"5.1.1":                                    "5.1.1",
		"4.2":                                      "",
		"5.2.12345":                                "",
		"IP 5.1.1.":                                "5.1.1",
		"see RFC 5.1.1-2 for":                      "",
	} {
		got := ""
		if a, b, ok := FindEnhanced(text, 0); ok {
			got = text[a:b]
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestFindReply(t *testing.T) {
	for text, want := range map[string]int{
		"550 5.1.1 User unknown":                             550,
		"550-5.1.1 first":                                    550,
		"554 Message rejected":                               554,
		"said: 451 Message temporarily deferred":             451,
		"refused 500 messages":                               0,
		"550User unknown":                                    550,
		"<a@example.com>: 554 no":                            554,
		"host mx.example.net[192.0.2.254] said: 452 4.2.2 x": 452,
		"host mx.example.net[192.0.2.254]:25 refused":        0,
		"delivered after 450 seconds":                        0,
		"limit of 500 messages per hour":                     0,
		"message exceeds 550 KB":                             0,
		"at 2024-05-01 14:22:33":                             0,
		"queue id 4521F":                                     0,
		"571 No PTR record":                                  571,
		"the number is 571 in all":                           0,
		"error ('550', ['5.1.1 no']":                         550,
		"mailbox is disabled (554.30).":                      0,
		"554 30 Sorry, this mailbox is disabled (554.30).":   554,
		"user 521@example.com":                               0,
		"#550 5.2.3 RESOLVER.RST":                            550,
		"#< #5.1.1 smtp;550 5.1.1 x> #SMTP#":                 550,
		"552":                                                552,
		"20240550 552 full":                                  552,
		"250 OK":                                             250,
		"they said 250 OK":                                   0,
		"port 525 closed":                                    0,
		"541 5.4.1 rejected":                                 541,
	} {
		got, _, _, _ := FindReply(text, 0)
		if got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
		if b, _, _, _ := FindReply([]byte(text), 0); b != got {
			t.Errorf("%q: %d as bytes, %d as string", text, b, got)
		}
	}
}

func TestLookup(t *testing.T) {
	for code, want := range map[string]struct {
		reason bounce.Reason
		weak   bool
		known  bool
	}{
		"5.1.1": {bounce.UserUnknown, false, true}, "4.2.2": {bounce.MailboxFull, false, true},
		"5.7.25": {bounce.AuthPTR, false, true}, "5.7.20": {bounce.AuthDKIM, false, true},
		"5.7.1": {bounce.PolicyRejected, true, true}, "5.1.351": {bounce.Unclassified, true, false},
		"5.7.606": {bounce.PolicyRejected, true, false}, "5.99.1": {bounce.Unclassified, true, false},
		"6.1.1": {bounce.Unclassified, true, false}, "5.1": {bounce.Unclassified, true, false},
	} {
		m, ok := Lookup(code)
		if m.Reason != want.reason || m.Weak != want.weak || ok != want.known {
			t.Errorf("%s: got %+v known=%v", code, m, ok)
		}
	}
}

// No reply code by itself may call an address bad: 550 is what Mimecast, GMX
// and others answer to anything.
func TestReplyCodesNeverNameAUser(t *testing.T) {
	for code := range replies {
		if m, _ := Reply(code); m.Reason.Class(bounce.Failed) == bounce.ClassHard && m.Reason != bounce.DomainUnknown {
			t.Errorf("%d says %v", code, m.Reason)
		}
	}
	if m, ok := Reply(471); m.Reason != bounce.Deferred || ok {
		t.Errorf("471: %+v %v", m, ok)
	}
}

func FuzzFind(f *testing.F) {
	f.Add("550-5.1.1 <a@b.c>: 5.1.1 said: 452 4.2.2", 3)
	f.Add("4.5.", 0)
	f.Fuzz(func(t *testing.T, s string, from int) {
		if from < 0 || from > len(s) {
			return
		}
		if a, b, ok := FindEnhanced(s, from); ok {
			if _, _, _, valid := Split(s[a:b]); !valid || a < from {
				t.Fatalf("%q is no status code", s[a:b])
			}
		}
		if code, a, b, ok := FindReply(s, from); ok && (code < 200 || code > 599 || b-a != 3 || a < from) {
			t.Fatalf("%d at %d:%d", code, a, b)
		}
	})
}
