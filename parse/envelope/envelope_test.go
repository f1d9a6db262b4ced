package envelope

import (
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"user@example.com":                                                "user@example.com",
		"prvs=1234abcdef=user@example.com":                                "user@example.com",
		"prvs=user=1234abcdef@example.com":                                "user@example.com",
		"PRVS=1234ABCDEF=user@example.com":                                "user@example.com",
		"SRS0=HHH=TT=example.com=user@forwarder.example":                  "user@example.com",
		"SRS0+HHH=TT=example.com=user@forwarder.example":                  "user@example.com",
		"SRS1=GGG=forwarder.example==HHH=TT=example.com=user@second.test": "user@example.com",
		"kate+SRS=ab1Cd=EF=example.com=user@forwarder.example":            "user@example.com",
		"SRS0=HHH=TT=example.com=prvs=1234abcdef=user@forwarder.example":  "user@example.com",
		"SRS0=broken@forwarder.example":                                   "SRS0=broken@forwarder.example",
		"prvs=notatag=user@example.com":                                   "prvs=notatag=user@example.com",
		"a=b=c@example.com":                                               "a=b=c@example.com",
	} {
		if got := Plain(in); got != want {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}

var (
	oldKey = []byte("an old secret of 16+ bytes")
	newKey = []byte("the new secret of 16+ bytes")
	sentAt = time.Date(2026, 11, 1, 23, 0, 0, 0, time.UTC)
)

func verp(t testing.TB, pattern string, keys ...[]byte) *VERP {
	t.Helper()
	v, err := NewVERP(pattern, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const pattern = "bounces-{token}-{local}={domain}@example.org"

func TestVERP(t *testing.T) {
	before, v := verp(t, pattern, oldKey), verp(t, pattern, newKey, oldKey)
	paths := []*VERP{v}
	for _, to := range []string{"kate@example.com", "kate+news@sub.example.com", "a=b@example.com", "a-b@my-domain.example"} {
		for _, signer := range []*VERP{v, before} {
			path, err := signer.Sign(to, sentAt)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := Read(paths, strings.ToUpper(path))
			if !ok || got.Recipient != to || !got.Signed || got.Day != int(sentAt.Unix()/86400) {
				t.Errorf("%s reads as %+v, %v", path, got, ok)
			}
			// The token of one recipient, or of another day, is none.
			for _, forged := range []string{strings.Replace(path, "example.", "exemple.", 1), strings.Replace(path, "-2", "-1", 1)} {
				if got, ok := Read(paths, forged); ok && got != (Sent{}) {
					t.Errorf("%s reads as %+v", forged, got)
				}
			}
		}
	}
	for _, addr := range []string{"bounces@example.org", "bounces-kate=example.com@example.org", "bounces-20500-0123456789ab-kate=nodot@example.org", ""} {
		if got, ok := Read(paths, addr); ok {
			t.Errorf("%q reads as %+v", addr, got)
		}
	}
	if _, err := v.Sign(strings.Repeat("x", 60)+"@example.com", sentAt); !errors.Is(err, ErrTooLong) {
		t.Errorf("a local part of over 64 octets: %v", err)
	}
	if _, err := v.Sign(`"a b"@example.com`, sentAt); err == nil {
		t.Error("a quoted local part is signed")
	}
}

// The token is the one that the shell line in the documentation makes.
func TestTokenOfTheShell(t *testing.T) {
	if got := code(sha256.New, []byte("0123456789abcdef"), "20550", "jane@example.net"); got != "24a5181e377b" {
		t.Errorf("got %s", got)
	}
	// So does Exim's ${hmac{sha1}{KEY}{DAY-recipient}}.
	v := verp(t, pattern, []byte("0123456789abcdef"))
	if s, ok := Read([]*VERP{v}, "bounces-20550-41f4148ed895-jane=example.net@example.org"); !ok || !s.Signed {
		t.Errorf("SHA-1: %+v %v", s, ok)
	}
}

// The tags are Exim 4.96's: ${prvs{bounces@example.org}{0123456789abcdef}} and
// with the key number 3, on day 20782.
func TestBATV(t *testing.T) {
	b, err := NewBATV([]byte("another key of 16 bytes"), []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	day := func(n int64) time.Time { return time.Unix(n*86400, 0) }
	for addr, want := range map[string]string{
		"prvs=0789078df5=bounces@example.org": "bounces@example.org signed",
		"PRVS=0789078DF5=bounces@example.org": "bounces@example.org signed",
		"prvs=37897b8aab=Bounces@example.org": "Bounces@example.org signed",
		"prvs=bounces=0789078df5@example.org": "bounces@example.org signed",
		"prvs=0789078df5=other@example.org":   "other@example.org forged",
		"prvs=0790078df5=bounces@example.org": "bounces@example.org forged",
	} {
		tag, ok := b.Read(addr)
		got := tag.Address + map[bool]string{true: " signed", false: " forged"}[tag.Signed]
		if !ok || got != want {
			t.Errorf("%s: %s %v, want %s", addr, got, ok, want)
		}
		for at, fresh := range map[int64]bool{20780: false, 20781: true, 20782: true, 20790: true, 20791: false, 21782: true} {
			if tag.Signed && tag.Fresh(day(at)) != fresh {
				t.Errorf("%s on day %d: fresh is %v", addr, at, !fresh)
			}
		}
	}
	for _, addr := range []string{"bounces@example.org", "prvs=bounces@example.org", "prvs=0789078df5=@example.org", ""} {
		if tag, ok := b.Read(addr); ok {
			t.Errorf("%q reads as %+v", addr, tag)
		}
	}
	if _, ok := (*BATV)(nil).Read("prvs=0789078df5=bounces@example.org"); ok {
		t.Error("without keys a tag is judged")
	}
	if _, err := NewBATV([]byte("short")); err == nil {
		t.Error("a short key is taken")
	}
}

func TestFresh(t *testing.T) {
	s := Sent{Recipient: "kate@example.com", Signed: true, Day: int(sentAt.Unix() / 86400)}
	for days, want := range map[int]bool{-3: false, 0: true, 44: true, 47: false} {
		if got := s.Fresh(sentAt.AddDate(0, 0, days)); got != want {
			t.Errorf("%d days later: %v", days, got)
		}
	}
}

func TestUnsignedVERP(t *testing.T) {
	v := verp(t, "news-bounce-{local}={domain}@lists.example.org")
	if got, ok := Read([]*VERP{v}, "news-bounce-kate.w=example.com@lists.example.org"); !ok || got.Recipient != "kate.w@example.com" || got.Signed {
		t.Errorf("got %+v, %v", got, ok)
	}
}

func TestBadPattern(t *testing.T) {
	for pattern, want := range map[string]string{
		"bounces@example.org":                    "needs {local} and {domain}",
		"b+{local}{domain}@example.org":          "nothing stands between",
		"b+{local}={host}@example.org":           "unknown field {host}",
		"b+{local}={domain}":                     "is no address",
		"b+{token}-{local}={domain}@example.org": "no key",
		"b+{local}={local}={domain}@example.org": "once each",
	} {
		if _, err := NewVERP(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
	if _, err := NewVERP("b+{token}-{local}={domain}@example.org", []byte("short")); err == nil {
		t.Error("a short key is taken")
	}
}

func FuzzRead(f *testing.F) {
	v := verp(f, pattern, newKey)
	good, err := v.Sign("kate@example.com", sentAt)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("SRS1=GGG=forwarder.example==HHH=TT=example.com=user@second.test")
	f.Fuzz(func(t *testing.T, addr string) {
		Plain(addr)
		if s, ok := Read([]*VERP{v}, addr); ok && s.Signed {
			if again, err := v.Sign(s.Recipient, time.Unix(int64(s.Day)*86400, 0)); err == nil && !strings.EqualFold(again, addr) {
				t.Errorf("%q verifies, but we would have written %q", addr, again)
			}
		}
	})
}
