package origin

import (
	"net/netip"
	"strings"
	"testing"

	"harvester/parse/mime"
)

var trust = &Trust{
	OwnDomains:  []string{"example.org"},
	Hosts:       []string{"mail.example.com"},
	Networks:    []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28"), netip.MustParsePrefix("2001:db8::/64")},
	AuthservIDs: []string{"mx.example.org", "mx.google.com"},
	Relays:      []string{"amazonses.com"},
}

const (
	network = "Received: from web1 (web1.example.org [192.0.2.5])\r\n\tby mx.example.org (Postfix) with ESMTP id 1; now\r\n"
	outside = "Received: from relay.example.net (relay.example.net [198.51.100.7])\r\n\tby mx.example.org (Postfix) with ESMTPS id 4ABC\r\n\tfor <bounces@example.org>; Mon, 2 Nov 2026 08:00:00 +0000 (UTC)\r\n"
	lmtp    = "Received: from mx.example.org\r\n\tby imap.example.org with LMTP\r\n\tid oN2aKz; Mon, 2 Nov 2026 08:00:01 +0000\r\n"
	made    = "Received: by mx.example.org (Postfix)\r\n\tid B02079EE197; Mon, 2 Nov 2026 08:00:00 +0000 (UTC)\r\n"
)

// The newest lines that real servers write, and whose the notice then is.
func TestHost(t *testing.T) {
	for _, c := range []struct{ name, header, host string }{
		{"Postfix", made, "mx.example.org"},
		{"Postfix and Dovecot", lmtp + made, "mx.example.org"},
		{"Postfix and Cyrus", "Received: from mx.example.org ([unix socket])\r\n\tby mx.example.org (Cyrus 3.6.1) with LMTPA; Mon, 2 Nov 2026 08:00:00 +0000\r\n" + made, "mx.example.org"},
		{"Exim", "Received: from Debian-exim by mx.example.org with local (Exim 4.96)\r\n\tid 1xXvAG-0007dD-0r\r\n\tfor bounces@example.org;\r\n\tMon, 2 Nov 2026 08:00:00 +0000\r\n", "mx.example.org"},
		{"sendmail", "Received: from localhost (localhost)\r\n\tby mx.example.org (8.17.1.9/8.17.1.9/Debian-2) id 6AU71EqB007110;\r\n\tMon, 2 Nov 2026 07:01:14 GMT\r\n", "mx.example.org"},
		{"OpenSMTPD", "Received: from mx.example.org (mx.example.org [local])\r\n\tby mx.example.org (OpenSMTPD) with ESMTPA id f2344aee;\r\n\tMon, 2 Nov 2026 06:53:21 +0000 (UTC)\r\n", "mx.example.org"},
		{"a named host", strings.ReplaceAll(made, "mx.example.org", "mail.example.com"), "mail.example.com"},
		{"from a host of our network", "Received: from web1 (web1.example.org [192.0.2.5])\r\n\tby mx.example.org (Postfix) with ESMTP id 1; now\r\n" + strings.ReplaceAll(made, "mx.", "web1."), "web1.example.org"},
		{"from a host of our network, IPv6", "Received: from web1 (web1.example.org [IPv6:2001:db8::5])\r\n\tby mx.example.org (Postfix) with ESMTP id 1; now\r\n", "mx.example.org"},

		{"dma", "Received: from MAILER-DAEMON\r\n\tid ac42b7\r\n\tby mx.example.org (DragonFly Mail Agent v0.13);\r\n\tMon, 2 Nov 2026 08:00:00 +0000\r\n", "mx.example.org"},
		{"a user of dma", "Received: from jane (uid 1000)\r\n\t(envelope-from jane@mx.example.org)\r\n\tid ac42b7\r\n\tby mx.example.org (DragonFly Mail Agent v0.13);\r\n\tMon, 2 Nov 2026 08:00:00 +0000\r\n", ""},
		{"who calls himself MAILER-DAEMON", "Received: from MAILER-DAEMON (unknown [198.51.100.7])\r\n\tby mx.example.org (DragonFly Mail Agent v0.13);\r\n\tMon, 2 Nov 2026 08:00:00 +0000\r\n", ""},
		{"Haraka on a host of our network", network + "Received: (Haraka outbound); Mon, 2 Nov 2026 08:00:00 +0000\r\n", "mx.example.org"},
		{"Haraka of our network, from outside", network + "Received: (Haraka outbound); Mon, 2 Nov 2026 08:00:00 +0000\r\n" + outside, ""},
		{"Haraka of our network, from outside by a host nobody named", network + "Received: (Haraka outbound); Mon, 2 Nov 2026 08:00:00 +0000\r\n" + strings.ReplaceAll(outside, "mx.example.org", "gw.example.net"), ""},
		{"nullmailer on a host of our network", network + "Received: (nullmailer pid 1 invoked by uid 8);\r\n\tMon, 2 Nov 2026 08:00:00 -0000\r\n", "mx.example.org"},
		{"Haraka, which names nobody", "Received: (Haraka outbound); Mon, 2 Nov 2026 08:00:00 +0000\r\n", ""},
		{"from outside, below such a line", "Received: (Haraka outbound); Mon, 2 Nov 2026 08:00:00 +0000\r\n" + outside + made, ""},

		{"from outside", outside, ""},
		{"from outside, with our line below", outside + made, ""},
		{"from outside, by LMTP, with our lines below", lmtp + outside + lmtp + made, ""},
		{"through an alias", made + outside, ""},
		{"through an alias, twice", lmtp + made + outside + made, ""},
		{"a program on our host", strings.Replace(made, "(Postfix)", "(Postfix, from userid 33)", 1), ""},
		{"Exim, a program on our host", "Received: from www-data by mx.example.org with local (Exim 4.96)\r\n\tid 1; now\r\n", ""},
		{"a stranger's host", strings.ReplaceAll(made, "example.org", "example.edu"), ""},
		{"a host with our name in it", strings.ReplaceAll(made, "mx.example.org", "mx.example.org.example.edu"), ""},
		{"a host that ends like ours", strings.ReplaceAll(made, "mx.example.org", "notexample.org"), ""},
		{"a claimed name", "Received: from mx.example.org (unknown [198.51.100.7])\r\n\tby mx.example.org (Postfix) with SMTP id 1; now\r\n", ""},
		{"a claimed localhost", "Received: from localhost (localhost [198.51.100.7])\r\n\tby mx.example.org (8.17.1/8.17.1) with ESMTP id 1; now\r\n", ""},
		{"a forwarded port", "Received: from mx.example.org (localhost [127.0.0.1])\r\n\tby mx.example.org (Postfix) with ESMTP id 1; now\r\n" + made, ""},
		{"a private address", "Received: from mx.example.org (gateway [172.17.0.1])\r\n\tby mx.example.org (Postfix) with ESMTP id 1; now\r\n" + made, ""},
		{"an address in the claimed name", "Received: from [192.0.2.5] (unknown [198.51.100.7])\r\n\tby mx.example.org (Postfix) with SMTP id 1; now\r\n", ""},
		{"LMTP in the claimed name", "Received: from LMTP (with LMTP [198.51.100.7])\r\n\tby mx.example.org (Postfix) with SMTP id 1; now\r\n", ""},
		{"no line", "X: y\r\n", ""},
		{"an empty line", "Received:\r\n" + made, ""},
	} {
		header := c.header + "From: MAILER-DAEMON@mx.example.org\r\n"
		if got := Read(mime.ReadHeader([]byte(header), 1<<20), "MAILER-DAEMON@mx.example.org", false, trust).Host; got != c.host {
			t.Errorf("%s: host %q, want %q", c.name, got, c.host)
		}
	}
	h := mime.ReadHeader([]byte(made), 1<<20)
	if got := Read(h, "jane@example.org", false, trust).Host; got != "" {
		t.Error("a person's mail is a notice of", got)
	}
	for path, want := range map[string]string{"<>": "mx.example.org", "<MAILER-DAEMON@mx.example.org>": "mx.example.org", "<www-data@example.org>": ""} {
		h := mime.ReadHeader([]byte("Return-Path: "+path+"\r\n"+made), 1<<20)
		if got := Read(h, "MAILER-DAEMON@mx.example.org", false, trust).Host; got != want {
			t.Errorf("a notice with the path %s is of %q, want %q", path, got, want)
		}
	}
	if got := Read(mime.ReadHeader([]byte("Return-Path: <>\r\n"+made+"From: MAILER-DAEMON <>\r\n"), 1<<20), "", false, trust).Host; got != "mx.example.org" {
		t.Errorf("a notice from nobody is of %q", got)
	}
	if got := Read(h, "MAILER-DAEMON@mx.example.org", false, nil); got != (Evidence{}) {
		t.Error(got)
	}
}

const ar = "Authentication-Results: mx.example.org; "

func TestAuthor(t *testing.T) {
	const good = "dkim=pass header.d=example.net; spf=pass smtp.helo=mx.example.net; dmarc=pass header.from=example.net"
	for _, c := range []struct{ name, header, from, author, method string }{
		{"all pass", ar + good + "\r\n" + outside, "", "example.net", "dkim"},
		{"several fields", ar + "dkim=pass header.i=@mx.example.net\r\n" + ar + "spf=none\r\n" + outside, "", "example.net", "dkim"},
		{"SPF alone", ar + "spf=pass smtp.mailfrom=postmaster@mx.example.net\r\n" + outside, "", "example.net", "spf"},
		{"DMARC alone", ar + "dmarc=pass (p=none dis=none) header.from=example.net\r\n" + outside, "", "example.net", "dmarc"},
		{"behind LMTP", lmtp + ar + good + "\r\n" + outside, "", "example.net", "dkim"},
		{"with a version", strings.Replace(ar, "org;", "org 1;", 1) + good + "\r\n" + outside, "", "example.net", "dkim"},
		{"with comments", ar + "dkim=pass (2048-bit; key (good)) header.d=example.net\r\n" + outside, "", "example.net", "dkim"},
		{"Gmail", "Received: by 2002:a05:6504:1234:b0:2c3:: with SMTP id x; now\r\nReceived: from a (a [198.51.100.7]) by mx.google.com with ESMTPS id q; now\r\nAuthentication-Results: mx.google.com; dkim=pass header.i=@example.net header.s=x\r\n", "", "example.net", "dkim"},

		{"another server's", "Authentication-Results: mx.example.edu; " + good + "\r\n" + outside, "", "", ""},
		{"below our line", outside + ar + good + "\r\n", "", "", ""},
		{"no line of ours", ar + good + "\r\n", "", "", ""},
		{"Gmail's name at our own server", outside + "Authentication-Results: mx.google.com; " + good + "\r\n", "", "", ""},
		{"a second one in Gmail's name", "Received: from a (a [198.51.100.7]) by mx.google.com with ESMTPS id q; now\r\nAuthentication-Results: mx.google.com; dkim=none\r\nAuthentication-Results: mx.google.com; " + good + "\r\n", "", "", ""},
		{"not aligned", ar + "dkim=pass header.d=example.edu; spf=pass smtp.mailfrom=x@example.edu\r\n" + outside, "", "", ""},
		{"DMARC failed", ar + "dkim=pass header.d=example.net; dmarc=fail header.from=example.net\r\n" + outside, "", "", ""},
		{"a neighbour at a shared suffix", ar + "dkim=pass header.d=evil.onmicrosoft.com\r\n" + outside, "postmaster@victim.onmicrosoft.com", "", ""},
		{"a person", ar + good + "\r\n" + outside, "jane@example.net", "", ""},
		{"half a body", ar + "dkim=pass header.d=example.net\r\n" + outside + "DKIM-Signature: v=1; d=example.net; l=10; b=x\r\n", "", "", ""},
		{"in a comment", ar + "spf=fail (domain of a;dkim=pass header.d=example.net;@x) smtp.mailfrom=x@y\r\n" + outside, "", "", ""},
		{"in quotes", ar + `spf=fail smtp.mailfrom="a; dkim=pass header.d=example.net; "@example.edu` + "\r\n" + outside, "", "", ""},
		{"quotes left open", ar + `spf=fail smtp.mailfrom="a; dkim=pass header.d=example.net` + "\r\n" + outside, "", "", ""},
		{"brackets closed twice", ar + "spf=fail (a) b); dkim=pass header.d=example.net\r\n" + outside, "", "", ""},
		{"two domains in one result", ar + "dkim=pass header.d=example.edu header.d=example.net\r\n" + outside, "", "", ""},
	} {
		from := c.from
		if from == "" {
			from = "MAILER-DAEMON@example.net"
		}
		e := Read(mime.ReadHeader([]byte(c.header+"From: "+from+"\r\n"), 1<<20), from, false, trust)
		if e.Author != c.author || e.Method != c.method || e.Host != "" {
			t.Errorf("%s: %+v, want %s by %s", c.name, e, c.author, c.method)
		}
	}
}

func TestRefuted(t *testing.T) {
	for _, c := range []struct {
		results string
		want    bool
	}{
		{"spf=fail smtp.mailfrom=x@example.org; dkim=fail; dmarc=fail header.from=example.org", true},
		{"spf=softfail smtp.mailfrom=x@example.org; dkim=none; dmarc=fail (p=reject) header.from=example.org", true},
		{"spf=pass smtp.mailfrom=x@example.edu; dkim=none; dmarc=fail header.from=example.org", false},
		{"spf=fail; dkim=pass header.d=example.edu; dmarc=fail header.from=example.org", false},
		{"spf=none; dkim=none; dmarc=none", false},
		{"none", false},
	} {
		if e := Read(mime.ReadHeader([]byte(ar+c.results+"\r\n"+outside), 1<<20), "MAILER-DAEMON@example.org", false, trust); e.Refuted != c.want {
			t.Errorf("%s: %+v", c.results, e)
		}
	}
	if e := Read(mime.ReadHeader([]byte(outside+ar+"spf=fail; dkim=fail; dmarc=fail\r\n"), 1<<20), "x@y", false, trust); e.Refuted {
		t.Error("the sender refutes himself")
	}
}

func TestMay(t *testing.T) {
	for _, c := range []struct {
		author, recipient, remote string
		want                      bool
	}{
		{"example.net", "example.net", "", true},
		{"mx.example.net", "sales.example.net", "mx.example.edu", true},
		{"mail.example.org", "example.net", "", true},
		{"eu-west-1.amazonses.com", "example.net", "", true},
		{"googlemail.com", "gmail.com", "", true},
		{"googlemail.com", "example.net", "aspmx.l.google.com", true},
		{"googlemail.com", "example.net", "", false},
		{"googlemail.com", "gmail.com", "mx.example.edu", false},
		{"example.edu", "example.net", "", false},
		{"example.co.uk", "other.co.uk", "", false},
		{"evil.onmicrosoft.com", "victim.onmicrosoft.com", "", false},
		{"evil.onmicrosoft.com", "outlook.com", "", false},
		{"onmicrosoft.com", "victim.onmicrosoft.com", "", false},
		{"", "", "", false}, {"com", "example.com", "", false},
	} {
		if got := trust.May(c.author, c.recipient, c.remote); got != c.want {
			t.Errorf("may %s speak about %s, refused by %q: %v", c.author, c.recipient, c.remote, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(ar+"dkim=pass (a (b) c) header.d=\"example.net\"\r\n"+outside, "MAILER-DAEMON@example.net")
	f.Add(lmtp+made, "postmaster@example.org")
	f.Fuzz(func(t *testing.T, header, from string) {
		// Whatever stands below our server's line makes no difference.
		e := Read(mime.ReadHeader([]byte(outside+header), 1<<20), from, false, trust)
		if e.Host != "" || e.Author != "" || e.Refuted {
			t.Errorf("%+v from %q", e, header)
		}
	})
}

// A notice came from outside where a line of ours shows an address that
// is neither of our networks nor, as our server looked it up, of a host of ours.
func TestOutside(t *testing.T) {
	for lines, want := range map[string]bool{
		"Received: from gw.example.net (gw.example.net [198.51.100.7]) by mx.example.org with ESMTP\r\n":                                                            true,
		"Received: from mx.example.org (unknown [198.51.100.7]) by mx.example.org with ESMTP\r\n":                                                                   true,
		"Received: from x (mx.example.org [198.51.100.7] (may be forged)) by mx.example.org with ESMTP\r\n":                                                         true,
		"Received: from mx.example.org (mx.example.org [203.0.113.9]) by imap.example.org with ESMTP\r\nReceived: by mx.example.org (Postfix)\r\n":                  false,
		"Received: from mx.example.org (mx.example.org [203.0.113.9]) by imap.example.org\r\nReceived: from a (a.example.net [198.51.100.7]) by mx.example.org\r\n": true,
		"Received: from relay (unknown [10.0.0.5]) by mx.example.org with ESMTP\r\n":                                                                                true,
		"Received: from mx.example.org by imap.example.org\r\n":                                                                                                     false,
		"Received: from gw.example.net (gw.example.net [198.51.100.7]) by mx.example.net with ESMTP\r\n":                                                            false,
		"": false,
	} {
		if e := Read(mime.ReadHeader([]byte(lines), 1<<20), "mailer-daemon@example.net", false, trust); e.Outside != want {
			t.Errorf("%q: %v", lines, e.Outside)
		}
	}
}
