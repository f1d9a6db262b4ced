package parse

import (
	"slices"
	"strings"
	"testing"
)

func TestReadCopy(t *testing.T) {
	opt := &Options{OwnDomains: []string{"example.org"}}
	const from = "From: News <news@mail.example.org>\nMessage-ID: <m1@example.org>\n"
	for name, tt := range map[string]struct {
		mail string
		want string // recipients
		err  string
	}{
		"header":            {from + "To: A <a@example.net>, \"B, C\" <b@example.com>\nCc: c@example.net\nBcc: d@example.net\n", "a@example.net b@example.com c@example.net d@example.net", ""},
		"envelope":          {from + "Delivered-To: copies@example.org\nX-Envelope-To: x@example.net\nX-RCPT-TO: <y@example.net>, z@example.net\nTo: list@example.net\n", "x@example.net y@example.net z@example.net", ""},
		"own envelope":      {from + "X-Original-To: copies@example.org\nDelivered-To: copies@example.org\nTo: a@example.net\n", "a@example.net", ""},
		"copied elsewhere":  {from + "X-Original-To: copies@archive.example\nDelivered-To: Copies@archive.example\nTo: a@example.net\nBcc: copies@archive.example\n", "a@example.net", ""},
		"several fields":    {from + "X-Original-To: a@example.net\nX-Original-To: b@example.net\nTo: undisclosed-recipients:;\n", "a@example.net b@example.net", ""},
		"to ourselves":      {from + "To: colleague@example.org\n", "", ""},
		"folded":            {from + "To: a@example.net,\n\tb@example.net\n", "a@example.net b@example.net", ""},
		"mbox line":         {"From news@example.org Thu Nov 26 00:00:00 2026\n" + from + "To: a@example.net\n", "a@example.net", ""},
		"by return path":    {"Return-Path: <b-7@example.org>\nFrom: boss@example.com\nMessage-ID: m1\nTo: a@example.net\n", "a@example.net", ""},
		"no Message-ID":     {"From: news@example.org\nMessage-ID: <>\nTo: a@example.net\n", "", "it has no Message-ID"},
		"nobody":            {from + "To: undisclosed-recipients:;\n", "", "it names no recipient"},
		"only copied":       {from + "X-Original-To: copies@example.org\nDelivered-To: copies@example.org\nTo: undisclosed-recipients:;\nBcc: copies@example.org\n", "", "it names no recipient"},
		"stranger":          {"Return-Path: <x@example.net>\nFrom: x@example.net\nMessage-ID: <m1@example.org>\nTo: a@example.net\n", "", "no sender in it is ours"},
		"a stranger's news": {"Return-Path: <>\nFrom: MAILER-DAEMON@example.net\nMessage-ID: <m1@example.net>\nTo: a@example.net\n", "", "no sender in it is ours"},
		"nothing":           {"", "", "it has no Message-ID"},
	} {
		c, err := ReadCopy([]byte(tt.mail+"Date: Thu, 26 Nov 2026 01:02:03 +0100\n\nTo: body@example.net\n"), opt)
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%s: error %v, want %s", name, err, tt.err)
			}
			continue
		}
		if err != nil || !slices.Equal(c.Recipients, strings.Fields(tt.want)) || c.Date.Unix() != 1795651323 {
			t.Errorf("%s: %q at %v, %v", name, c.Recipients, c.Date, err)
		}
	}
}
