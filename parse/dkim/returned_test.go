package dkim

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The ways in which a header comes back, made by hand in the manner of the
// programs named; these were not run for it. relaxed and simple say whether a
// signature of that canonicalisation can survive.
var returned = []struct {
	name            string
	relaxed, simple bool
	change          func(string) string
}{
	{"Postfix: whole, Return-Path and Received on top", true, true, onTop("Return-Path: <b@example.org>\r\nReceived: from a by mx.example.org (Postfix) with ESMTP id 1; now\r\n")},
	{"Exim: headers, LF", true, true, func(h string) string {
		return strings.ReplaceAll(onTop("Return-path: <b@example.org>\r\n")(h), "\r\n", "\n")
	}},
	{"sendmail: whole, Received and Return-Path on top", true, true, onTop("Return-Path: <b@example.org>\r\nReceived: from a (a [192.0.2.1])\r\n\tby mx (8.17.1) with ESMTP id x;\r\n\tnow\r\n")},
	{"OpenSMTPD: in a part typed text/rfc822-headers, body and all", true, true, func(h string) string { return h + "\r\nHello\r\n" }},
	{"courier: Received on top", true, true, onTop("Received: from a ([192.0.2.1])\r\n  by mx with ESMTP; now\r\n")},
	{"dma: headers in the text, LF", true, true, func(h string) string { return strings.ReplaceAll(h, "\r\n", "\n") }},
	{"nullmailer: Received on top, LF", true, true, func(h string) string {
		return strings.ReplaceAll(onTop("Received: (nullmailer pid 1 invoked by uid 8);\r\n\tnow\r\n")(h), "\r\n", "\n")
	}},
	{"chasquid: Received on top", true, true, onTop("Received: from a by mx (chasquid) with ESMTP; now\r\n")},
	{"Haraka: Received on top", true, true, onTop("Received: from a ([192.0.2.1])\r\n\tby mx (Haraka/3.3.4) with ESMTP id 1; now\r\n")},
	{"a filter: its verdict below", true, true, func(h string) string { return h + "X-Spam-Status: No, score=0\r\n" }},
	{"a gateway: long fields folded otherwise", true, false, func(h string) string {
		return strings.ReplaceAll(h, "richard@example.com>,\r\n\t", "richard@example.com>,\r\n    ")
	}},
	{"a gateway: names of fields in its own case", true, false, func(h string) string {
		return strings.NewReplacer("Message-ID:", "Message-Id:", "\r\nCc:", "\r\nCC:").Replace(h)
	}},
	{"a gateway: blanks behind the colon", true, false, func(h string) string { return strings.Replace(h, "\r\nTo: ", "\r\nTo:  ", 1) }},
	{"a list: a prefix in Subject", false, false, func(h string) string { return strings.Replace(h, "Subject: ", "Subject: [list] ", 1) }},
	{"a gateway: the names dropped from addresses", false, false, func(h string) string { return strings.Replace(h, "Jane Doe <jane@example.net>", "jane@example.net", 1) }},
}

func onTop(lines string) func(string) string { return func(h string) string { return lines + h } }

// 240 signed mails of our own come back in fifteen ways.
func TestReturnedMails(t *testing.T) {
	total, verified := 0, 0
	for _, way := range returned {
		good := 0
		n := 0
		for _, how := range []signing{{selector: "rsa"}, {selector: "ed"}, {selector: "rsa", simple: true}, {selector: "ed", simple: true}} {
			for _, names := range [][]string{usual, append([]string{"From", "To", "Cc"}, usual...), {"From", "To", "Cc", "Message-ID"}, {"From", "To", "Subject", "Cc"}} {
				how.fields = names
				s := one(t, way.change(head(sign(t, mail, how))))
				n++
				total++
				if s.Err == nil {
					good++
					verified++
				}
				want := way.relaxed
				if how.simple {
					want = way.simple
				}
				covered := !strings.Contains(way.name, "list") || containsFold(names, "Subject")
				if covered && (s.Err == nil) != want {
					t.Errorf("%s, %+v: %v", way.name, how, s.Err)
				}
			}
		}
		if os.Getenv("HARVESTER_FIGURES") != "" {
			fmt.Printf("%3d of %3d verify  %s\n", good, n, way.name)
		}
	}
	if os.Getenv("HARVESTER_FIGURES") != "" {
		fmt.Printf("%3d of %3d signed mails verify when they come back (%d %%)\n", verified, total, 100*verified/total)
	}
	if total < 200 {
		t.Errorf("%d mails", total)
	}
}

func containsFold(list []string, s string) bool {
	for _, l := range list {
		if strings.EqualFold(l, s) {
			return true
		}
	}
	return false
}
