package view

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"harvester/parse/mime"
)

// notice is a DSN as Postfix writes it, with a returned mail of n bytes.
func notice(n int) []byte {
	received := strings.Repeat("Received: from mail-1.example.net (mail-1.example.net [192.0.2.1])\n\tby mx.example.org (Postfix) with ESMTPS id 4ABCDEF\n\tfor <bounces@example.org>; Thu,  2 Jul 2026 18:55:38 +0000 (UTC)\n", 4)
	dkim := "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s1;\n\th=from:to:subject:date; bh=" + strings.Repeat("A", 44) + ";\n\tb=" + strings.Repeat("B", 340) + "\n"
	top := "Return-Path: <>\n" + received + "Date: Thu,  2 Jul 2026 18:55:38 +0000 (UTC)\nFrom: MAILER-DAEMON@mx.example.org (Mail Delivery System)\nSubject: Undelivered Mail Returned to Sender\nTo: bounces+a=example.net@example.org\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	text := "Content-Description: Notification\nContent-Type: text/plain; charset=us-ascii\n\nThis is the mail system at host mx.example.org.\n\n" + strings.Repeat("I'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients. It's attached below.\n\n", 3) +
		"<a@example.net>: host mx.example.net[192.0.2.2] said: 550 5.1.1 <a@example.net>:\n    Recipient address rejected: User unknown (in reply to RCPT TO command)\n"
	report := "Content-Description: Delivery report\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\nX-Postfix-Queue-ID: 4ABCDEF\nX-Postfix-Sender: rfc822; bounces@example.org\nArrival-Date: Thu,  2 Jul 2026 18:55:38 +0000 (UTC)\n\nFinal-Recipient: rfc822; a@example.net\nOriginal-Recipient: rfc822;a@example.net\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx.example.net\nDiagnostic-Code: smtp; 550 5.1.1 <a@example.net>: Recipient address rejected:\n    User unknown\n"
	line := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("attachment"), 6))[:76] + "\n"
	original := "Content-Description: Undelivered Message\nContent-Type: message/rfc822\n\nReturn-Path: <bounces@example.org>\n" + received + dkim + header + "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=in\n\n--in\nContent-Transfer-Encoding: base64\n\n" + strings.Repeat(line, n/len(line)+1) + "\n--in--\n"
	return []byte(strings.ReplaceAll(multi(top, "multipart/report; report-type=delivery-status", text, report, original), "\n", "\r\n"))
}

func bench(b *testing.B, raw []byte) {
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		New(raw, mime.Limits{})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}

// BenchmarkView decodes one DSN as it usually is: 5 KB with its returned mail.
func BenchmarkView(b *testing.B) { bench(b, notice(1000)) }

// BenchmarkViewGrowth shows that the cost grows no faster than the returned
// mail.
func BenchmarkViewGrowth(b *testing.B) {
	for _, n := range []int{1 << 10, 10 << 10, 100 << 10, 1 << 20, 3 << 20, 10 << 20, 100 << 20} {
		raw := notice(n)
		b.Run(fmt.Sprintf("%dKB", n>>10), func(b *testing.B) { bench(b, raw) })
	}
}

// BenchmarkViewHTML decodes a notice that is HTML only.
func BenchmarkViewHTML(b *testing.B) {
	bench(b, []byte(daemon+"Content-Type: text/html; charset=utf-8\n\n<html><body>"+strings.Repeat("<table><tr><td>Your message to <a href=\"mailto:a@example.net\">a@example.net</a></td><td>couldn&#8217;t be delivered.</td></tr></table>\n", 30)+"</body></html>"))
}
