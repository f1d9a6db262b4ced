package foreign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"harvester/parse/bounce"
	"harvester/parse/rules"
	"harvester/parse/table"
	"harvester/store/export"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func options(kind Kind) Options {
	return Options{Kind: kind, Now: now, Own: []string{"example.org"}, Stream: "news", Meaning: func(text, status string) bounce.Reason {
		return rules.Builtin().Classify(rules.Query{Text: text, Status: status, Action: bounce.Failed}).Reason
	}}
}

// show reads a list to its end, in words.
func show(text string, o Options) string {
	l, err := Open(strings.NewReader(text), o)
	if err != nil {
		return err.Error()
	}
	out := []string{l.Form()}
	for row, err := range l.Rows() {
		var broken *table.RowError
		switch e := &row.Entry; {
		case errors.As(err, &broken):
			out = append(out, err.Error())
		case err != nil:
			return err.Error()
		case row.Left != "":
			out = append(out, fmt.Sprintf("line %d left: %s", row.Line, row.Left))
		default:
			cause := ""
			if e.Entry.Source.String() == "bounce" {
				cause = "/" + e.Entry.Cause.String()
			}
			text := fmt.Sprintf("%s %s%s", e.Address, e.Entry.Source, cause)
			if !e.Entry.Since.IsZero() {
				text += " " + e.Entry.Since.Format("2006-01-02T15:04:05")
			}
			if !e.Until.IsZero() {
				text += " until " + e.Until.Format(time.DateOnly)
			}
			if e.Entry.Stream != "" {
				text += " in " + e.Entry.Stream
			}
			out = append(out, text+fmt.Sprintf(" %q", e.Reason))
		}
	}
	return strings.Join(out, "\n")
}

func TestForms(t *testing.T) {
	for name, tt := range map[string]struct {
		kind Kind
		in   string
		want string
	}{
		"our own csv": {0, "email,reason,class,since,last_seen,count,expires,source\n" +
			"a@example.net,mailbox_full,soft,2026-03-02T07:11:09Z,2026-03-03T09:11:09Z,2,2026-04-02T07:11:09Z,bounce\n" +
			"b@example.net,complaint,none,2026-03-02T07:11:09Z,,1,,complaint\nc@example.net,manual,none,2026-03-02T07:11:09Z,,1,,operator\n" +
			"d@example.net,user_unknown,hard,2024-03-02T07:11:09Z,,1,2026-03-02T07:11:09Z,bounce\n" +
			"e@example.net,auth_spf,block,2026-03-02T07:11:09Z,,1,,bounce\nf@example.net,gone,hard,2026-03-02T07:11:09Z,,1,,bounce\n",
			`harvester
a@example.net bounce/mailbox_full 2026-03-02T07:11:09 until 2026-04-02 "mailbox_full"
b@example.net complaint 2026-03-02T07:11:09 "complaint"
c@example.net operator 2026-03-02T07:11:09 "manual"
line 5 left: it has expired
line 6 left: its reply says that the fault is the sender's, not the address's (auth_spf)
line 7: unknown reason "gone"`},
		"SendGrid bounces": {0, "status,reason,email,created\n" +
			"5.1.1,\"550 5.1.1 The email account that you tried to reach does not exist.\nPlease try\",Jane@Example.NET,1772435469\n" +
			"5.7.1,\"550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org\",b@example.net,1772435469\n" +
			"4.2.2,452 4.2.2 The email account that you tried to reach is over quota,c@example.net,1772435469\n,unable to get mx info,d@example.net,1772435469\n", `sendgrid
Jane@Example.NET bounce/user_unknown 2026-03-02T07:11:09 "550 5.1.1 The email account that you tried to reach does not exist. Please try"
line 4 left: its reply says that the fault is the sender's, not the address's (reputation_ip)
c@example.net bounce/mailbox_full 2026-03-02T07:11:09 "452 4.2.2 The email account that you tried to reach is over quota"
d@example.net bounce/user_unknown 2026-03-02T07:11:09 "unable to get mx info"`},
		"SendGrid spam reports": {0, "ip,email,created\n192.0.2.1,a@example.net,1772435469\n", "sendgrid-spam\na@example.net complaint 2026-03-02T07:11:09 \"complaint\""},
		"SendGrid opt-outs":     {Unsubscribe, "email,created\na@example.net,1772435469\n", "table\na@example.net unsubscribe 2026-03-02T07:11:09 in news \"unsubscribe\""},
		"anybody's addresses":   {0, "email,created\na@example.net,1772435469\n", errKind.Error()},
		"Mailgun": {0, "address,code,error,created_at\na@example.net,550,5.1.1 user unknown,\"Mon, 02 Mar 2026 07:11:09 +0000\"\nb@example.net,550,user_unknown 5.1.1,\"Mon, 02 Mar 2026 07:11:09 UTC\"\n",
			"mailgun\na@example.net bounce/user_unknown 2026-03-02T07:11:09 \"550 5.1.1 user unknown\"\nb@example.net bounce/user_unknown 2026-03-02T07:11:09 \"user_unknown 5.1.1\""},
		"SparkPost": {0, "recipient,type,source,description,created,updated\n" +
			"a@example.net,non_transactional,Spam Complaint,,2026-03-02T07:11:09.000Z,\nb@example.net,non_transactional,List Unsubscribe,,2026-03-02T07:11:09.000Z,\n" +
			"c@example.net,transactional,Bounce Rule,550 5.1.1 no such user,2026-03-02T07:11:09.000Z,\nd@example.net,transactional,Manually Added,hard bounce: user_unknown 5.1.1,2026-03-02T07:11:09.000Z,\n", `sparkpost
a@example.net complaint 2026-03-02T07:11:09 "Spam Complaint"
b@example.net unsubscribe 2026-03-02T07:11:09 in news "List Unsubscribe"
c@example.net bounce/user_unknown 2026-03-02T07:11:09 "550 5.1.1 no such user"
d@example.net bounce/user_unknown 2026-03-02T07:11:09 "hard bounce: user_unknown 5.1.1"`},
		"Postmark's dump": {0, `{"Suppressions":[
 {"EmailAddress":"a@example.net","SuppressionReason":"HardBounce","Origin":"Recipient","CreatedAt":"2026-03-02T07:11:09-00:00"},
 {"EmailAddress":"b@example.net","SuppressionReason":"SpamComplaint","Origin":"Recipient","CreatedAt":"2026-03-02T07:11:09-00:00"},
 {"EmailAddress":"c@@example.net","SuppressionReason":"SpamComplaint","Origin":"Recipient","CreatedAt":"2026-03-02T07:11:09-00:00"}]}`, `postmark
a@example.net bounce/user_unknown 2026-03-02T07:11:09 "HardBounce by Recipient"
b@example.net complaint 2026-03-02T07:11:09 "SpamComplaint by Recipient"
line 4: "c@@example.net" is no address: write local@domain`},
		"SES": {0, "a@example.net,BOUNCE\nb@example.net,COMPLAINT\n", "ses\na@example.net bounce/user_unknown \"BOUNCE\"\nb@example.net complaint \"COMPLAINT\""},
		"SES by its interface": {0, `{"SuppressedDestinationSummaries": [{"EmailAddress": "a@example.net", "Reason": "BOUNCE", "LastUpdateTime": "2026-03-02T08:11:09+01:00"}]}`,
			"ses\na@example.net bounce/user_unknown 2026-03-02T07:11:09 \"BOUNCE\""},
		"Brevo": {0, `{"contacts":[{"email":"a@example.net","reason":{"code":"hardBounce","message":"no such user"},"blockedAt":"2026-03-02T07:11:09Z"},
{"email":"b@example.net","reason":{"code":"unsubscribedViaEmail"},"blockedAt":"2026-03-02T07:11:09Z"}]}`,
			"brevo\na@example.net bounce/user_unknown 2026-03-02T07:11:09 \"no such user\"\nb@example.net unsubscribe 2026-03-02T07:11:09 in news \"unsubscribedViaEmail\""},
		"Mailchimp, cleaned":      {0, "Email Address,First Name,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE\na@example.net,A,2026-03-02 07:11:09,March\n", "mailchimp\na@example.net bounce/user_unknown 2026-03-02T07:11:09 \"cleaned March\""},
		"Mailchimp, unsubscribed": {0, "Email Address,UNSUB_TIME,UNSUB_REASON\na@example.net,2026-03-02 07:11:09,Normal\n", "mailchimp\na@example.net unsubscribe 2026-03-02T07:11:09 in news \"unsubscribed Normal\""},
		"Mailchimp, subscribers": {Manual, "Email Address,First Name,MEMBER_RATING,OPTIN_TIME\na@example.net,A,2,\n",
			"it is Mailchimp's list of those who are subscribed: cleaned_….csv and unsubscribed_….csv of the same export are for the list"},
		"listmonk": {0, "uuid,email,name,attributes,status,created_at,updated_at\n1,a@example.net,A,{},blocklisted,,2026-03-02T07:11:09Z\n2,b@example.net,B,{},enabled,,\n",
			"listmonk\na@example.net operator 2026-03-02T07:11:09 \"blocklisted in listmonk\"\nline 3 left: listmonk may mail it (enabled)"},
		"Mautic":   {0, "email,doNotEmail\na@example.net,1\nb@example.net,0\n", "mautic\na@example.net operator \"do not contact\"\nline 3 left: Mautic may mail it"},
		"Mandrill": {0, "email,reason,detail,created_at,expires_at,last_event_at,expires_at,subaccount\na@example.net,hard-bounce,smtp;550 5.1.1 No such user,2026-03-02 07:11:09,,,,\nb@example.net,spam,,2026-03-02 07:11:09,,,,\n", "mandrill\na@example.net bounce/user_unknown 2026-03-02T07:11:09 \"smtp;550 5.1.1 No such user\"\nb@example.net complaint 2026-03-02T07:11:09 \"spam\""},
		"somebody's table": {0, "Name;E-Mail;Type;Date\nA;a@example.net;Hard Bounce;2026-03-02\nB;b@example.net;friend;2026-03-02\nC;c@example.net;spam;02/03/2026\n", `table
a@example.net bounce/user_unknown 2026-03-02T00:00:00 "Hard Bounce"
line 3: "friend" is no kind that is known (bounce, complaint, unsubscribe, manual): --kind says it for such rows
line 4: "02/03/2026" is no time that can be told: write it as 2026-11-25 or 2026-11-25T23:01:02Z`},
		"addresses":           {Hard, "a@example.net\n<b@example.net>\n", "addresses\na@example.net bounce/user_unknown \"bounce\"\nb@example.net bounce/user_unknown \"bounce\""},
		"addresses alone":     {0, "a@example.net\n", errKind.Error()},
		"ours and roles":      {Hard, "email\ninfo@example.org\npostmaster@example.net\n", "table\nline 2 left: an address of our own domains is never listed\nline 3 left: a role address (RFC 2142) is never listed"},
		"to come":             {0, "address,created_at\na@example.net,2027-01-01\n", "mailgun-complaints\nline 2: its date 2027-01-01 lies in the future"},
		"too many cells":      {0, "email,type\na@example.net,spam, really\n", "table\nline 2: it has 3 cells where the header has 2: a cell that holds the separator must stand in quotes"},
		"an open quote":       {0, "email,type\n\"a@example.net,spam\nb@example.net,spam\n", "table\nline 2: a quote is opened and not closed in its cell: write \"...\" around the whole cell, and \"\" for a quote within\nb@example.net complaint \"spam\""},
		"digests":             {Hard, "eb1809b67f3c808c3c1871c4055d626d84fbda0385948fd78c04560fb0147e18\n", "it holds digests, from which no address can be had: import the list that they were made of"},
		"no addresses":        {Hard, "name,phone\na,1\n", "no column holds addresses: its columns are name, phone, and one called email is expected"},
		"broken JSON lines":   {0, "{\"emailAddress\":\"a@example.net\",\"reason\":\"BOUNCE\"}\n{\"emailAddress\n{\"emailAddress\":\"b@example.net\",\"reason\":\"x\"}\n", "ses\na@example.net bounce/user_unknown \"BOUNCE\"\nline 2: it is no JSON\nline 3: \"x\" is no kind that is known (bounce, complaint, unsubscribe, manual): --kind says it for such rows"},
		"a broken document":   {0, "[\n{\"emailAddress\":}]", "line 2: it is no JSON: invalid character '}' looking for beginning of value"},
		"nothing":             {0, " \n", ErrEmpty.Error()},
		"attacks":             {0, "email,type,error\na@example.net,bounce,\"\x1b[31mred\x07\r\nx\"\n", "table\na@example.net bounce/user_unknown \"[31mred x\""},
		"a spreadsheet's own": {0, "For reading only: do not import. Cells …\nemail,reason,class,since,last_seen,count,expires,source,status,diagnostic,policy\n'=x@example.net,user_unknown,hard,2026-03-02T07:11:09Z,,2,,bounce,5.1.1,no,\n", "harvester\n=x@example.net bounce/user_unknown 2026-03-02T07:11:09 \"user_unknown 5.1.1 no\""},
	} {
		if got := show(tt.in, options(tt.kind)); got != tt.want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, tt.want)
		}
	}
}

// What the program exports, it can import: every profile whose file holds
// addresses beside what they did. The golden files say how many of which.
func TestOwnProfiles(t *testing.T) {
	for _, p := range export.Profiles() {
		path := filepath.Join("..", "export", "testdata", p.Name, "suppression.csv")
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // it writes no file of text
		}
		if err != nil {
			t.Fatal(err)
		}
		want, ok := map[string]Kind{
			"csv": 0, "ndjson": 0, "spreadsheet": 0, "ses": 0, "ses-json": 0, "sparkpost": 0, "brevo": 0, "mailchimp": 0, "listmonk": 0, "mautic": 0,
			"mailgun": 0, "mailgun-complaints": 0, "mailgun-unsubscribes": 0,
			"email": Hard, "plain": Hard, "sendgrid": Hard, "postmark": Hard, "cloudflare": Hard, "mailman": Hard, "phplist": Hard, "sympa": Hard,
		}[p.Name]
		o := options(want)
		o.Own = nil // the golden files are about them
		plain, err := io.ReadAll(table.Text(bytes.NewReader(text)))
		if err != nil {
			t.Fatal(err)
		}
		l, err := Open(bytes.NewReader(plain), o)
		if !ok {
			if err == nil {
				t.Errorf("%s was taken for %s", p.Name, l.Form())
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
			continue
		}
		taken, refused := 0, 0
		for row, err := range l.Rows() {
			switch {
			case err != nil && strings.Contains(err.Error(), "is no address"), strings.Contains(row.Left, "is never listed"):
				// The golden files are about odd addresses, too.
			case err != nil:
				refused++
				t.Logf("%s: %v", p.Name, err)
			case row.Left == "":
				taken++
			default:
				t.Errorf("%s: line %d is left out: %s", p.Name, row.Line, row.Left)
			}
		}
		if taken == 0 || refused > 0 {
			t.Errorf("%s, read as %s: %d taken, %d refused", p.Name, l.Form(), taken, refused)
		}
	}
}
