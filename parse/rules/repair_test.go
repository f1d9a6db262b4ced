package rules

import (
	"strings"
	"testing"

	"harvester/parse/bounce"
)

func TestRepair(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"sound", "550 5.1.1 user=unknown?p=AB", "550 5.1.1 user=unknown?p=AB"},
		{"multi-line", "550-5.1.1 no such\n550-5.1.1 user\n550 5.1.1 here", "550 5.1.1 no such\nuser\nhere"},
		{"on one line", "550 5.7.1 [192.0.2.1 19] likely 550-5.7.1 suspicious", "550 5.7.1 [192.0.2.1 19] likely 550-5.7.1 suspicious"},
		{"on one line, dashed", "550-5.7.1 likely 550-5.7.1 bad 550 5.7.1 mail", "550 5.7.1 likely bad mail"},
		{"a code that is no prefix", "550-5.1.1 code 550 means no", "550 5.1.1 code 550 means no"},
		{"without enhanced code", "554-one\n554-two\n554 three", "554 one\ntwo\nthree"},
		{"written line ends", `550 no such\r\nuser\nhere`, "550 no such\nuser\nhere"},
		{"quoted-printable", "550 Empf=C3=A4nger=20unbekannt=\n!", "550 Empfänger unbekannt!"},
		{"no quoted-printable", "550 id=5A refused", "550 id=5A refused"},
		{"mojibake", "550 EmpfÃ¤nger existiert nicht, dâ€™accord", "550 Empfänger existiert nicht, d’accord"},
		{"accents that are right", "550 Empfänger pâté Ã la", "550 Empfänger pâté Ã la"},
	} {
		if got := repair(c.in); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if n := len(repair(strings.Repeat("x", 1<<20))); n != maxText {
		t.Errorf("%d bytes of an endless text are kept", n)
	}
}

func TestUnwrapFindsTheInnermostSpeaker(t *testing.T) {
	for text, want := range map[string]string{
		"host mx.example.net[192.0.2.1] said: 550 5.1.1 no such user":                                                       "550 5.1.1 no such user",
		"550 5.7.367 Remote server returned not permitted -> 550 5.7.1 your words":                                          "550 5.7.1 your words",
		"5.1.0 - Unknown address error 550-'5.7.1 words here'":                                                              "5.7.1 words here'",
		"5.3.0 - Other mail system problem ('554', ['5.7.1 words here'])":                                                   "5.7.1 words here'])",
		"SMTP error from remote mail server after RCPT TO:<a@example.com>: host mx.example.net [192.0.2.1]: 550 words here": "550 words here",
		"Remote Server returned '550 5.1.10 words here'":                                                                    "550 5.1.10 words here'",
		"message refused (code: 554)":                                                                                       "message refused (code: 554)",
		"550 5.1.1 <a@example.com>: user unknown":                                                                           "550 5.1.1 <a@example.com>: user unknown",
	} {
		f := []byte(strings.ToLower(text))
		levels := unwrap(f, nil)
		if got := string(f[levels[len(levels)-1].start:]); got != strings.ToLower(want) {
			t.Errorf("%q: the last to speak says %q", text, got)
		}
	}
}

func TestWhyShowsEveryStep(t *testing.T) {
	steps := Builtin().Why(Query{Text: "550 5.1.1 your IP is blacklisted, user unknown", Status: "5.1.1", Action: bounce.Failed})
	if len(steps) < 4 || !steps[0].Won || steps[0].Rule != "generic.blocklist" {
		t.Fatalf("got %v", steps)
	}
	tiers := map[string]bool{}
	for _, s := range steps[1:] {
		tiers[s.Tier] = true
		if s.Won || s.Why == "" {
			t.Errorf("got %v", s)
		}
	}
	for _, want := range []string{"generic phrase, dead address", "status code in the text", "Status field"} {
		if !tiers[want] {
			t.Errorf("no step of tier %q in %v", want, steps)
		}
	}
}
