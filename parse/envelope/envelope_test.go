package envelope

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
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
	old = Key{'a', []byte("an old secret of 16+ bytes")}
	now = Key{'b', []byte("the new secret of 16+ bytes")}
)

func TestVERP(t *testing.T) {
	const pattern = "bounces+{token}-{local}={domain}@example.org"
	before, err := NewVERP(pattern, []Key{old})
	if err != nil {
		t.Fatal(err)
	}
	v, err := NewVERP(pattern, []Key{now, old})
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"kate@example.com", "kate+news@sub.example.com", "a=b@example.com", "a-b@my-domain.example"} {
		for _, signer := range []*VERP{v, before} {
			path, err := signer.Sign(to, 20780)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := v.Read(strings.ToUpper(path))
			if !ok || !strings.EqualFold(got.Recipient, to) || !got.Signed || got.Day != 20780 {
				t.Errorf("%s reads as %+v, %v", path, got, ok)
			}
			// The token of one recipient is none of another.
			if got, _ := v.Read(strings.Replace(path, "a", "e", 1)); got.Signed {
				t.Errorf("a changed %s still verifies", path)
			}
		}
	}
	for _, addr := range []string{"bounces@example.org", "bounces+x-kate=example.com@example.net", "other+x-kate=example.com@example.org", "bounces+x-kate=nodot@example.org", ""} {
		if got, ok := v.Read(addr); ok && got != (Sent{}) {
			t.Errorf("%q reads as %+v", addr, got)
		}
	}
	if _, err := v.Sign(strings.Repeat("x", 60)+"@example.com", 1); !errors.Is(err, ErrTooLong) {
		t.Errorf("a local part of over 64 octets: %v", err)
	}
}

func TestUnsignedVERP(t *testing.T) {
	v, err := NewVERP("news-bounce-{local}={domain}@lists.example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := v.Read("news-bounce-kate.w=example.com@lists.example.org"); !ok || got.Recipient != "kate.w@example.com" || got.Signed {
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
		if _, err := NewVERP(pattern, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
	if _, err := NewVERP("b+{token}-{local}={domain}@example.org", []Key{{'k', []byte("short")}}); err == nil {
		t.Error("a short key is taken")
	}
}

func TestBATV(t *testing.T) {
	key := []byte("secret")
	mac := hmac.New(sha1.New, key)
	mac.Write([]byte("1234" + "news@example.org"))
	addr := "prvs=1234" + hex.EncodeToString(mac.Sum(nil)[:3]) + "=news@example.org"
	if day, ok := BATV(addr, map[int][]byte{1: key}); !ok || day != 234 {
		t.Errorf("%s: %d, %v", addr, day, ok)
	}
	for _, bad := range []string{"prvs=1235" + addr[9:], strings.Replace(addr, "news", "nexs", 1), "news@example.org", "prvs=2" + addr[6:]} {
		if _, ok := BATV(bad, map[int][]byte{1: key}); ok {
			t.Errorf("%s verifies", bad)
		}
	}
}

func FuzzRead(f *testing.F) {
	v, err := NewVERP("bounces+{token}-{local}={domain}@example.org", []Key{now})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("bounces+baaaaaaaaaaaaa-kate=example.com@example.org")
	f.Add("SRS1=GGG=forwarder.example==HHH=TT=example.com=user@second.test")
	f.Fuzz(func(t *testing.T, addr string) {
		Plain(addr)
		if s, ok := v.Read(addr); ok && s.Signed {
			if again, err := v.Sign(s.Recipient, s.Day); err == nil && !strings.EqualFold(again, addr) {
				t.Errorf("%q verifies, but we would have written %q", addr, again)
			}
		}
	})
}
