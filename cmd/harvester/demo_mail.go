package main

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"harvester/fixtures"
	"harvester/harvest/imap/memserver"
)

// What the demonstration's mailbox was sent within a month: the sample mails in
// the rhythm of a week, an outage at one receiver, and a fault of the sender's
// that was mended.
const (
	demoDays    = 30
	outageDay   = 9  // days ago
	outageMails = 60 // within an hour
	faultFrom   = 24 // days ago, until it was mended
	faultUntil  = 20
	faultMails  = 15
	demoShop    = "shop.example" // whose SPF record was wrong
)

// demoMail is one mail and when it came in.
type demoMail struct {
	raw []byte
	at  time.Time
}

// demoMails are all mails of the month up to now, oldest first.
func demoMails(now time.Time) ([]demoMail, error) {
	var mails []demoMail
	err := fs.WalkDir(fixtures.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".eml") {
			return err
		}
		raw, err := fixtures.FS.ReadFile(path)
		mails = append(mails, demoMail{raw: raw})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the sample mails: %w", err)
	}
	times := workHours(now, len(mails))
	for i := range mails {
		// Samples of one vendor lie side by side: spread, each day has all sorts.
		mails[i].at = times[i*607%len(mails)]
	}
	noon := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, now.Location())
	for i := range outageMails {
		mails = append(mails, demoMail{at: noon.AddDate(0, 0, -outageDay).Add(time.Duration(i) * time.Minute), raw: demoNotice("news@example.org",
			fmt.Sprintf("reader%d@bigmail.example", i), "5.1.1", "550 5.1.1 Recipient address rejected: User unknown")})
	}
	for i := range faultMails {
		day := faultFrom - i*(faultFrom-faultUntil+1)/faultMails
		mails = append(mails, demoMail{at: noon.AddDate(0, 0, -day).Add(time.Duration(i) * 17 * time.Minute), raw: demoNotice("orders@"+demoShop,
			fmt.Sprintf("customer%d@%s.example", i, []string{"webmail", "freemail", "officemail"}[i%3]), "5.7.23",
			"550 5.7.23 The message was rejected because of Sender Policy Framework violation -> "+demoShop)})
	}
	slices.SortStableFunc(mails, func(a, b demoMail) int { return a.at.Compare(b.at) })
	return mails, nil
}

// workHours are n moments of the last days up to now, in order: more on working
// days than at weekends, and most by day.
func workHours(now time.Time, n int) []time.Time {
	type hour struct {
		at     time.Time
		weight int
	}
	var hours []hour
	total := 0
	for at := now.Truncate(time.Hour).AddDate(0, 0, -demoDays); at.Before(now.Add(-time.Hour)); at = at.Add(time.Hour) {
		weight := 1
		if h := at.Hour(); h >= 7 && h < 19 {
			weight = 6
		}
		if d := at.Weekday(); d != time.Saturday && d != time.Sunday {
			weight *= 3
		}
		hours = append(hours, hour{at, weight})
		total += weight
	}
	out := make([]time.Time, 0, n)
	before, i := 0, 0
	for k := range n {
		for ; (before+hours[i].weight)*n <= k*total; i++ {
			before += hours[i].weight
		}
		within := time.Duration(k*total-before*n) * time.Hour / time.Duration(hours[i].weight*n)
		out = append(out, hours[i].at.Add(within.Truncate(time.Second)))
	}
	return out
}

// demoNotice is a delivery status notification about one recipient.
func demoNotice(from, recipient, status, reply string) []byte {
	_, host, _ := strings.Cut(recipient, "@")
	return fmt.Appendf(nil, strings.ReplaceAll(`From: MAILER-DAEMON@mx.example.org
To: bounces@example.org
Subject: Undelivered Mail Returned to Sender
Message-ID: <notice-%[2]s>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

<%[2]s>: host mx.%[3]s said: %[5]s

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; %[2]s
Action: failed
Status: %[4]s
Remote-MTA: dns; mx.%[3]s
Diagnostic-Code: smtp; %[5]s

--b
Content-Type: text/rfc822-headers

From: %[1]s
To: %[2]s
Subject: News
Message-ID: <sent-to-%[2]s>

--b--
`, "\n", "\r\n"), from, recipient, host, status, reply)
}

// deliverMails puts mails into the server's INBOX, each under the trace line that the
// last server before a mailbox adds (RFC 5321 §4.4).
func deliverMails(server *memserver.Server, mails []demoMail) error {
	for _, m := range mails {
		trace := "Received: from mx.example.org by imap.example.org with LMTP; " + m.at.Format(time.RFC1123Z) + "\r\n"
		if err := server.AppendAt("INBOX", append([]byte(trace), m.raw...), m.at); err != nil {
			return fmt.Errorf("filling the demonstration's server: %w", err)
		}
	}
	return nil
}

// mailsBefore parts the mails that came in before a moment from those that follow.
func mailsBefore(mails []demoMail, before time.Time) (day, rest []demoMail) {
	n, _ := slices.BinarySearchFunc(mails, before, func(m demoMail, t time.Time) int { return m.at.Compare(t) })
	return mails[:n], mails[n:]
}
