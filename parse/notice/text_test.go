package notice

import "testing"

func TestFindAddress(t *testing.T) {
	for in, want := range map[string]string{
		"said to <user@example.com>: no":               "user@example.com",
		"'user@example.com' does not exist":            "user@example.com",
		"a..b@docomo.example is real":                  "a..b@docomo.example",
		`"a b"@example.com rejected`:                   `"a b"@example.com`,
		"mailto:user@example.com":                      "user@example.com",
		"user@example.com.":                            "user@example.com",
		"user@example.com...":                          "user@example.com",
		"log: root@localhost, user+tag@sub.example.co": "user+tag@sub.example.co",
		"gelöscht: jörg@exämple.example.":              "jörg@exämple.example",
		"nobody here @ all":                            "",
		"user@[192.0.2.1] refused":                     "user@[192.0.2.1]",
	} {
		if got, _, _ := FindAddress(in); got != want {
			t.Errorf("findAddress(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestBare(t *testing.T) {
	for in, want := range map[string]string{
		"  <user@example.com>":                             "user@example.com",
		"* user@example.com":                               "user@example.com",
		"user@example.com<mailto:user@example.com>":        "user@example.com",
		"Jane (user@example.com)<mailto:user@example.com>": "user@example.com",
		"user@example.com:":                                "user@example.com",
	} {
		if got, ok := BareAddress(in); !ok || got != want {
			t.Errorf("bareAddress(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "hello", "user@example.com is unknown", "write to user@example.com"} {
		if got, ok := BareAddress(in); ok {
			t.Errorf("bareAddress(%q) = %q, want nothing", in, got)
		}
	}
}

// Numbers that look like reply codes are the way in which prose becomes a
// bounce: dates, ports, sizes, addresses and ids.
func TestCode(t *testing.T) {
	for in, want := range map[string]int{
		"550 5.1.1 no":                0,
		"said: 550-5.1.1 no":          6,
		"(#5.1.1)":                    2,
		"421":                         0,
		"5.7.26 unauthenticated":      0,
		"mx 192.0.2.1 port 25":        -1,
		"at 10:54:23 +0000":           -1,
		"450 messages waiting":        -1,
		"version 5.2.1.3 of it":       -1,
		"id 1550 was":                 -1,
		"call 555-0123":               -1,
		"450 4.2.1 try later":         0,
		"size 552 KB":                 -1,
		"host.example.com[192.0.2.5]": -1,
	} {
		if got := CodeAt(in); got != want {
			t.Errorf("codeAt(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, sep := range []string{
		"--- Below this line is a copy of the message.", "------ This is a copy of the message, including all the headers. ------",
		"   ----- Original message follows -----", "Original message headers:", "----------------------------------------\nReturn-Path: <a@example.org>",
		"\nReceived: from a.example by b.example",
	} {
		head, returned := CutReturned("it failed\n" + sep + "\nSubject: hello\n")
		if head != "it failed\n" && head != "it failed\n\n" || returned == "" {
			t.Errorf("cut at %q gives %q and %q", sep, head, returned)
		}
	}
	for _, text := range []string{"----- Transcript of session follows -----\n550 no\n", "550 no\nMessage rejected\n"} {
		if head, _ := CutReturned(text); head != text {
			t.Errorf("cutReturned(%q) lost what the system wrote", text)
		}
	}
}
