package policy

import "testing"

// An address is found however it is written, and only when it is the sender's.
func TestNamed(t *testing.T) {
	const none = "invalid IP"
	for _, x := range []struct{ text, want string }{
		{"Client host [192.0.2.1] blocked", "192.0.2.1"},
		{"Our system has detected 2001:db8::25 sending", "2001:db8::25"},
		{"listed (127.0.0.4) for 198.51.100.7.", "198.51.100.7"},
		{"550 5.7.1 at 12:30 nothing named", none},
		{"[2001:db8::1      19] Our system (spaces above)", "2001:db8::1"},
		{"host mx.example.net[203.0.113.5] said: 550 5.7.1 Client host [192.0.2.1] blocked", "192.0.2.1"},
		{"host mx.example.net[203.0.113.5] said: 550 5.7.1 your message was blocked", none},
		{"host mx.example.net [203.0.113.5]: 550 blocked", none},
		{"connect to mx.example.net[203.0.113.5]:25: your connection was refused", none},
		{"550 5.7.1 mx.example.net (203.0.113.5) refused you", none},
		{"550 blocked by 203.0.113.9; 192.0.2.7 is listed at a blocklist", "192.0.2.7"},
		{"554 5.7.1 Service unavailable; Sender address blocked: see http://192.0.2.55/ of the list", none},
		{"550 5.2.0 reference number 198.51.100.1 for the postmaster", none},

		// before a colon
		{"550 5.7.26 192.0.2.25: example.org does not allow this sender", "192.0.2.25"},
		{"550 5.7.26 [192.0.2.25]: SPF of example.org failed", "192.0.2.25"},
		{"550 5.7.26 2001:db8::25: SPF of example.org failed", "2001:db8::25"},
		{"550 5.7.26 2001:db8::: SPF of example.org failed", "2001:db8::"},
		{"550 5.7.26 192.0.2.25: unauthenticated mail", "192.0.2.25"},
		{"550-5.7.26 [192.0.2.25]: unauthenticated mail", "192.0.2.25"},
		{"550 5.7.26 #192.0.2.25: unauthenticated mail", "192.0.2.25"},
		{"550 5.7.26 192.0.2.25 unauthenticated mail", none},
		{"192.0.2.25: unauthenticated mail", none},
		{"550 your IP is 192.0.2.25:", "192.0.2.25"},
		{"203.0.113.5: 550 5.7.1 your mail is blocked", none},
		{"203.0.113.5 said: 550 5.7.1 your mail is blocked", none},
		{"2001:db8::5 said: 550 5.7.1 you are blocked", none},
		{"[203.0.113.5]: 554-you are blocked", none},
		{"reject: RCPT from unknown[192.0.2.25]: 554 5.7.1 blocked", "192.0.2.25"},
		{"reject: RCPT from mail.example.org[192.0.2.25]: 554 5.7.1 blocked", "192.0.2.25"},

		// behind a word and a colon, as in an address literal
		{"550 SPF fail for [IPv6:2001:db8::25]", "2001:db8::25"},
		{"550 SPF fail for (ipv6:2001:DB8:0:0::25)", "2001:db8::25"},
		{"550 SPF fail for [IPv6:2001:db8::25]: see below", "2001:db8::25"},
		{"550 listed, IP:192.0.2.25", "192.0.2.25"},
		{"550 listed, IP:2001:db8::25.", "2001:db8::25"},
		{"550 blocked:192.0.2.25", "192.0.2.25"},
		{"550 SPF fail client-ip=192.0.2.25; helo=mail.example.org", "192.0.2.25"},
		{"550 SPF fail for ::ffff:192.0.2.25", "192.0.2.25"},
		{"550 sender <192.0.2.25> rejected", "192.0.2.25"},
		{"550-192.0.2.25 is listed", "192.0.2.25"},
		{"550 see https://list.example.net/query/ip/192.0.2.25", "192.0.2.25"},

		// with a port
		{"550 connection from 192.0.2.25:49152 refused", "192.0.2.25"},
		{"550 connection from [192.0.2.25]:49152 refused", "192.0.2.25"},
		{"550 connection from [2001:db8::25]:49152 refused", "2001:db8::25"},
		{"550 connection from 192.0.2.25 port 49152 refused", "192.0.2.25"},
		{"connection to 203.0.113.5:25 refused", none},
		{"connection to [203.0.113.5]:25 refused", none},
		{"connection to [2001:db8::5]:587 refused", none},
		{"connection to 203.0.113.5 port 25 refused", none},

		// parts of names, networks, versions, times
		{"550 blocked: 25.2.0.192.zen.example.net says so", none},
		{"550 blocked: 25.2.0.192.in-addr.arpa has no name", none},
		{"550 your host 192.0.2.25.dynamic.example.org is blocked", none},
		{"550 your host dyn-192.0.2.25 is blocked", none},
		{"550 your network 192.0.2.0/24 is blocked", none},
		{"550 your network 2001:db8::/32 is blocked", none},
		{"550 your address 192.0.2.25/32 is blocked", "192.0.2.25"},
		{"550 your network 192.0.2.0/24 is blocked, for 192.0.2.25", "192.0.2.25"},
		{"550 your mail of 12:30:45 is spam", none},
		{"550 your Mail::Bad::Cafe is spam", none},
		{"550 your IP 192.0.2.256 is blocked", none},
		{"550 your IP ::1 is blocked, 0.0.0.0 and :: are, too", none},
		{"your :::: ::: : . .. 1.2.3. 1:2:3 :1: 999- 550-", none},
	} {
		if got := Named(x.text, "mx.example.net (203.0.113.9)").String(); got != x.want {
			t.Errorf("%q: %s, want %s", x.text, got, x.want)
		}
	}
	if got := Named("550 your server [IPv6:2001:db8::9] is blocked", "mx.example.net ([IPv6:2001:db8::9])"); got.IsValid() {
		t.Errorf("the refusing host's own address: %s", got)
	}
}
