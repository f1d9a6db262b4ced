package origin

import (
	"testing"

	"harvester/parse/mime"
)

// A mail that a server of ours took from outside is none of ours, unless who
// handed it over signed in or is a host of ours.
func TestTaken(t *testing.T) {
	const below = "Received: by mx.example.org (Postfix, from userid 33)\r\n\tid 4FAKE; now\r\n"
	for _, c := range []struct {
		name, header string
		want         bool
	}{
		{"from outside", outside + below, true},
		{"from outside, behind a second server", network + outside, true},
		{"a private address behind a public one", "Received: from a (a [10.0.0.5]) by mx.example.org with ESMTP id 1; now\r\n" + outside, true},
		{"a sign-in claimed in the greeting", "Received: from authenticated (unknown [198.51.100.7]) by mx.example.org (Postfix) with SMTP id 1; now\r\n", true},
		{"signed in", "Received: from laptop (host.example.net [198.51.100.7])\r\n\tby mx.example.org (Postfix) with ESMTPSA id 1; now\r\n", false},
		{"signed in, in Postfix's words", "Received: from laptop (host.example.net [198.51.100.7])\r\n\t(Authenticated sender: jane)\r\n\tby mx.example.org (Postfix) with ESMTPS id 1; now\r\n", false},
		{"a network of ours", network, false},
		{"a host of ours by its name", "Received: from x (app.example.org [203.0.113.9]) by mx.example.org (Postfix) with ESMTPS id 1; now\r\n", false},
		{"a program on the server", below, false},
		{"the machine itself", "Received: from localhost (localhost [127.0.0.1]) by mx.example.org (Postfix) with ESMTP id 1; now\r\n" + below, false},
		{"another's server", "Received: from a (a [198.51.100.7]) by mx.example.net with ESMTP id 1; now\r\n", false},
		{"no line", "X: y\r\n", false},
	} {
		if got := Taken(mime.ReadHeader([]byte(c.header+"From: news@example.org\r\n"), 1<<20), trust); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if Taken(mime.ReadHeader([]byte(outside), 1<<20), nil) {
		t.Error("taken by nobody")
	}
}
