package mime

import (
	"slices"
	"testing"
	"time"
)

func TestAddress(t *testing.T) {
	tests := []struct{ in, addr, name string }{
		{"user@example.org", "user@example.org", ""},
		{"User Name <user@example.org>", "user@example.org", "User Name"},
		{"MAILER-DAEMON@mx.example.org (Mail Delivery System)", "MAILER-DAEMON@mx.example.org", "Mail Delivery System"},
		{"=?utf-8?Q?J=C3=B6rg?= <j@example.org>", "j@example.org", "Jörg"},
		{"user@example.org.", "user@example.org", ""},
		{"user@example.org,", "user@example.org", ""},
		{"user@example.org:", "user@example.org", ""},
		{"user@example.org>;", "user@example.org", ""},
		{"<<user@example.org>>", "user@example.org", ""},
		{"<user@example.org> <user@example.org>", "user@example.org", ""},
		{"<@mx1.example.org,@mx2.example.org:user@example.org>", "user@example.org", ""},
		{`"'user@example.org'" <user@example.org>`, "user@example.org", "user@example.org"},
		{"'user@example.org'", "user@example.org", ""},
		{"mailto:user@example.org", "user@example.org", ""},
		{"user@example.org<mailto:user@example.org>", "user@example.org", "user@example.org"},
		{"a..b@docomo.example", "a..b@docomo.example", ""},
		{".a@docomo.example", ".a@docomo.example", ""},
		{"a.@docomo.example", "a.@docomo.example", ""},
		{`"a b"@example.org`, `"a b"@example.org`, ""},
		{`<"a@b"@example.org>`, `"a@b"@example.org`, ""},
		{"o'neil+tag=x/y@example.org", "o'neil+tag=x/y@example.org", ""},
		{"bounce+user=example.net@example.org", "bounce+user=example.net@example.org", ""},
		{"用户@例子.example", "用户@例子.example", ""},
		{"user＠example．org", "user@example.org", ""},
		{"user@[192.0.2.1]", "user@[192.0.2.1]", ""},
		{"MAILER-DAEMON <>", "", "MAILER-DAEMON"},
		{`"Courier mail server at mx.example.org" <@>`, "", "Courier mail server at mx.example.org"},
		{"Mailer-Daemon", "", "Mailer-Daemon"},
		{"<>", "", ""},
		{"", "", ""},
		{"user@example.org <>", "user@example.org", ""},
		{"Name <user@example.org", "user@example.org", "Name"},
		{`"Name <user@example.org>`, "user@example.org", "Name"},
		{"@example.org", "", "@example.org"},
		{"user@", "", "user@"},
	}
	for _, tt := range tests {
		addr, name := Address(tt.in)
		if addr != tt.addr || name != tt.name {
			t.Errorf("Address(%q) = %q, %q, want %q, %q", tt.in, addr, name, tt.addr, tt.name)
		}
	}
}

func TestAddresses(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{`a@example.org, "X, Y" <b@example.org>; c@example.org`, []string{"a@example.org", "b@example.org", "c@example.org"}},
		{"Friends: a@example.org, b@example.org;, c@example.org", []string{"a@example.org", "b@example.org", "c@example.org"}},
		{"undisclosed-recipients:;", nil},
		{`"never closed <a@example.org>, b@example.org`, []string{"a@example.org", "b@example.org"}},
		{"a@example.org (one, two), b@example.org", []string{"a@example.org", "b@example.org"}},
		{"<@mx1.example.org,@mx2.example.org:a@example.org>, b@example.org", []string{"a@example.org", "b@example.org"}},
	}
	for _, tt := range tests {
		if got := Addresses(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("Addresses(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestDate(t *testing.T) {
	tests := []struct{ in, want string }{
		{"Thu, 2 Jul 2026 18:55:38 +0200 (CEST)", "2026-07-02T18:55:38+02:00"},
		{"Thu, 02 Jul 26 18:55:38 UTC", "2026-07-02T18:55:38Z"},
		{"2 Jul 2026 18:55 -0700", "2026-07-02T18:55:00-07:00"},
		{"2012-12-31 23-59-59", "2012-12-31T23:59:59Z"},
		{"2012-12-31T23:59:59Z", "2012-12-31T23:59:59Z"},
		{"2012-12-31T23:59:59+01:00", "2012-12-31T23:59:59+01:00"},
		{"Thu Jul  2 18:55:38 2026", "2026-07-02T18:55:38Z"},
		{"Thu, 2 Jul 2026 18:55:38 JST", "2026-07-02T18:55:38+09:00"},
		{"Donnerstag, 2. Foo", "0001-01-01T00:00:00Z"},
		{"", "0001-01-01T00:00:00Z"},
	}
	for _, tt := range tests {
		if got := Date(tt.in).Format(time.RFC3339); got != tt.want {
			t.Errorf("Date(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}
