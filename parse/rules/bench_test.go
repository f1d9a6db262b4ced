package rules

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// padded returns the built-in pack with vendors' rules added up to n.
func padded(tb testing.TB, n int) *Set {
	tb.Helper()
	words := strings.Fields("mailbox user recipient refused blocked rejected policy notice quota full address sender denied host")
	var file strings.Builder
	for i := len(Builtin().Rules()); i < n; i++ {
		fmt.Fprintf(&file, "[[rule]]\nid = \"pad.r%d\"\nreason = \"user_unknown\"\ncontains = [\"%s %s %s vendor phrase %d\", \"PAD_%d\"]\n",
			i, words[i%14], words[i/14%14], words[i/196%14], i, i)
	}
	s, err := Load(Builtin(), fstest.MapFS{"pad.toml": {Data: []byte(file.String())}})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

var replies = []string{
	"550 5.1.1 <someone@example.com>: Recipient address rejected: User unknown in local recipient table (in reply to RCPT TO command)",
	"550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address for typos or\n550-5.1.1 unnecessary spaces. Learn more at\n550 5.1.1  https://support.google.com/mail/?p=NoSuchUser a1-20020a05600c4a0900b0040c2c5f5c8asi1 - gsmtp",
	"host mx.example.net[192.0.2.25] said: 554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/198.51.100.7 (in reply to RCPT TO command)",
	"452 4.2.2 The recipient's inbox is out of storage space.",
	"550 5.7.1 Unfortunately, messages from [198.51.100.7] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140). [AM1EUR01FT001.eop-EUR01.prod.protection.outlook.com]",
	"smtp; 421 4.7.0 try again later",
}

// ns/op is the cost of one reply.
func BenchmarkClassify(b *testing.B) {
	for _, n := range []int{500, 2000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := padded(b, n)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				s.Classify(Query{Text: replies[i%len(replies)], RemoteMTA: "mx.example.net"})
				i++
			}
		})
	}
}
