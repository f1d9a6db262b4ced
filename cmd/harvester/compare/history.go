package compare

import (
	"fmt"
	"io"
	"time"
)

// failures of a history: what a receiver says of an address, all of five kinds.
var failures = []string{
	"5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <%[3]s>: Recipient address rejected: User unknown",
	"5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 <%[3]s>: The mailbox is full, its quota is exceeded",
	"5.7.23\nDiagnostic-Code: smtp; 550 5.7.23 <%[3]s>: The message was rejected because of Sender Policy Framework violation",
	"5.2.1\nDiagnostic-Code: smtp; 550 5.2.1 <%[3]s>: The email account that you tried to reach is disabled",
	"5.7.1\nDiagnostic-Code: smtp; 554 5.7.1 <%[3]s>: Message rejected as spam by content filtering",
}

// WriteHistory writes an mbox of n notices, each times about the same address,
// over the month that ended a week before the day. With times = 1 each says that the user is
// unknown; otherwise an address always fails for one of five reasons.
func WriteHistory(w io.Writer, n, times int, day time.Time) error {
	from := day.Truncate(24*time.Hour).AddDate(0, 0, -37)
	for i := range n {
		who := i % (n / times)
		kind := who % len(failures)
		if times == 1 {
			kind = 0
		}
		domain := fmt.Sprintf("d%d.example", who%5000)
		address := fmt.Sprintf("user%d@%s", who, domain)
		at := from.Add(time.Duration(i) * (30 * 24 * time.Hour / time.Duration(n))).Format(time.RFC1123Z)
		_, err := fmt.Fprintf(w, `From MAILER-DAEMON Mon Nov  2 10:00:00 2026
Received: from mx.example.org by imap.example.org; %[1]s
From: MAILER-DAEMON@mx.example.org
To: bounces@example.org
Subject: Undelivered Mail Returned to Sender
Date: %[1]s
Message-ID: <notice-%[2]d@mx.example.org>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; %[3]s
Action: failed
Remote-MTA: dns; mx.%[4]s
Status: `+failures[kind]+`

--b
Content-Type: text/rfc822-headers

From: news@example.org
To: %[3]s
Subject: News
Message-ID: <sent-%[2]d@example.org>

--b--

`, at, i, address, domain)
		if err != nil {
			return fmt.Errorf("writing a history: %w", err)
		}
	}
	return nil
}
