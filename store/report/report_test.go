package report

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"harvester/parse/bounce"
	"harvester/parse/columns"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
)

var update = flag.Bool("update", false, "write the golden files anew")

var berlin = func() *time.Location {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		loc = time.FixedZone("Europe/Berlin", 3600)
	}
	return loc
}()

// noon of the day that the cases report on.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, berlin)

func options() Options {
	return Options{Host: "mail.example.org", Day: noon, Location: berlin, Now: noon.AddDate(0, 0, 1)}
}

// before is an ordinary history of n days.
func before(n int) []query.Day {
	var out []query.Day
	for i := range n {
		from, to := Day.Bounds(noon, berlin, i+1)
		out = append(out, query.Day{From: from, To: to,
			Kinds:  map[bounce.Kind]int{bounce.KindBounce: 40 + i%5, bounce.KindAutoReply: 9, bounce.KindDelay: 12},
			Failed: map[bounce.Reason]int{bounce.UserUnknown: 9 + i%3, bounce.MailboxFull: 28 + i%4, bounce.ContentSpam: i % 2},
			Added:  9 + i%2})
	}
	return out
}

func quiet() query.ReportFacts {
	d := before(1)[0]
	d.From, d.To = Day.Bounds(noon, berlin, 0)
	return query.ReportFacts{
		Today:  query.DayFacts{Day: d, InForce: 4765},
		Before: before(13),
		Jobs:   []query.JobFacts{{Job: job.Harvest.Of("bounces"), Last: noon.Add(11 * time.Hour), LastOK: noon.Add(11 * time.Hour), Runs: 288}},
		Since:  noon.AddDate(-1, 0, 0),
	}
}

func busy() query.ReportFacts {
	f := quiet()
	at := func(h, m int) time.Time { return time.Date(2026, 3, 2, h, m, 0, 0, berlin) }
	f.Today.Kinds = map[bounce.Kind]int{bounce.KindBounce: 140, bounce.KindAutoReply: 40, bounce.KindDelay: 44, bounce.KindComplaint: 1, bounce.KindUnparsed: 12, bounce.KindNone: 3}
	f.Today.Failed = map[bounce.Reason]int{bounce.UserUnknown: 17, bounce.DomainUnknown: 29, bounce.MailboxFull: 31, bounce.ReputationIP: 14, bounce.AuthDMARC: 6, bounce.MessageTooLarge: 2, bounce.Unclassified: 12, bounce.AlreadySuppressed: 3}
	f.Today.Added, f.Today.Removed, f.Today.Held, f.Today.InForce, f.Today.Unproven, f.Today.Allowed = 49, 2, 4, 4812, 5, 2
	f.Today.Receivers = []query.ReceiverCount{
		{Receiver: "example-corp.example", Reason: bounce.DomainUnknown, Status: "5.1.2", N: 29},
		{Receiver: "Microsoft", Reason: bounce.ReputationIP, Status: "5.7.1", N: 14},
		{Receiver: "Microsoft", Reason: bounce.UserUnknown, Status: "5.1.10", N: 14},
		{Receiver: "Google", Reason: bounce.MailboxFull, Status: "5.2.2", N: 9},
		{Receiver: "Google", Reason: bounce.AuthDMARC, Status: "5.7.26", N: 6},
		{Receiver: "Google", Reason: bounce.UserUnknown, Status: "5.1.1", N: 3},
	}
	for i := range 12 {
		f.Today.Receivers = append(f.Today.Receivers, query.ReceiverCount{Receiver: fmt.Sprintf("small%02d.example", i), Reason: bounce.MailboxFull, Status: "5.2.2", N: 1})
	}
	f.Today.Reasons = []query.ReasonCount{
		{Reason: bounce.MailboxFull, Status: "5.2.2", N: 31, Domains: 13, Sample: "552 5.2.2 <jane.doe@example.com>: Recipient mailbox is full"},
		{Reason: bounce.DomainUnknown, Status: "5.1.2", N: 29, Domains: 1, Sample: "Host or domain name not found"},
		{Reason: bounce.UserUnknown, Status: "5.1.1", N: 17, Domains: 9, Sample: "550-5.1.1 The email account that you tried to reach does not exist"},
		{Reason: bounce.ReputationIP, Status: "5.7.1", N: 14, Domains: 2, Sample: "550 5.7.1 Unfortunately, messages from [192.0.2.25] weren't sent (S3140)"},
	}
	f.Today.Refusals = []query.Refusal{
		{Reason: bounce.ReputationIP, Vendor: "microsoft", Status: "5.7.1", Receiver: "Microsoft", RemoteMTA: "mx.example.com", N: 14, First: at(9, 12), Last: at(17, 3),
			Diagnostic: "550 5.7.1 Unfortunately, messages from [192.0.2.25] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140)."},
		{Reason: bounce.AuthDMARC, Vendor: "gmail", Status: "5.7.26", Receiver: "Google", N: 4, First: at(10, 0), Last: at(11, 0),
			Diagnostic: "550-5.7.26 Unauthenticated email from example.org is not accepted due to domain's DMARC policy. fred@example.net"},
		{Reason: bounce.AuthDMARC, Status: "5.7.1", Receiver: "small01.example", N: 1, First: at(8, 0), Last: at(8, 0), Diagnostic: "rejected by DMARC policy"},
		{Reason: bounce.AuthDMARC, Status: "5.7.1", Receiver: "small02.example", N: 1, First: at(8, 30), Last: at(8, 30), Diagnostic: "rejected by DMARC policy"},
		{Reason: bounce.MessageTooLarge, Status: "5.3.4", Receiver: "small03.example", N: 2, First: at(8, 30), Last: at(8, 31), Diagnostic: "552 5.3.4 message size exceeds limit"},
		{Reason: bounce.RelayDenied, Status: "5.7.1", Receiver: "small04.example", N: 1, First: at(8, 30), Last: at(8, 31), Diagnostic: "relay access denied"},
	}
	f.Today.Changes = []judge.Change{
		{At: at(9, 0), Op: "add", Address: "jane.doe@example.com", Key: "x@" + "example.com", Source: "bounce", Reason: "user_unknown", Class: bounce.ClassHard},
		{At: at(10, 0), Op: "remove", Address: "fred@example.net", Key: "x@" + "example.net", Source: "bounce", Reason: "mailbox_full", Why: "expired"},
	}
	for i := range 29 {
		a := fmt.Sprintf("user%02d@example-corp.example", i)
		f.Today.Changes = append(f.Today.Changes, judge.Change{At: at(11, i), Op: "add", Address: a, Key: "x@" + "example-corp.example", Source: "bounce", Reason: "domain_unknown", Class: bounce.ClassHard})
	}
	f.Jobs = append(f.Jobs, query.JobFacts{Job: job.Harvest.Of("newsletter"), Last: at(23, 55), LastOK: at(4, 10), Failing: true, Runs: 288, Failures: 230, Detail: "signing in to imap.example.org:993 as news@example.org: the server says: [AUTHENTICATIONFAILED] Invalid credentials"})
	f.Stopped = &judge.Trip{At: at(3, 5), Why: "300 new suppressions within an hour of 4,765"}
	f.Today.Forged, f.Today.Proofs = 3, []query.ProofCount{{Proof: policy.ProofSigned, N: 3}, {Proof: policy.ProofReturned, N: 46}}
	f.Levels = query.Levels{Days: query.LevelDays, Failed: map[policy.Proof]int{policy.ProofSigned: 12, policy.ProofAuthentic: 300, policy.ProofReturned: 188},
		Listed: map[policy.Proof]int{policy.ProofAuthentic: 3000, policy.ProofReturned: 1812}, Host: "mail.example.org"}
	n := 1200
	f.Rates = []judge.Rate{
		{Stream: "newsletter", Level: policy.Paused, Why: "5.0 % of 1200 failed for good, the limit is 5.0 %", Sent: &n, Hard: 60, HardShare: 0.05, HardLow: 0.039, Complaints: 1, CompShare: 1.0 / 1200},
		{Stream: "receipts", Why: "nobody says how much was sent", Hard: 4},
	}
	f.Today.Streams = []query.StreamCount{
		{Stream: "news.example.org", Kind: bounce.KindBounce, Reason: bounce.UserUnknown, N: 12}, {Stream: "news.example.org", Kind: bounce.KindBounce, Reason: bounce.MailboxFull, N: 31},
		{Stream: "news.example.org", Kind: bounce.KindComplaint, N: 1}, {Stream: "shop@example.org", Kind: bounce.KindBounce, Reason: bounce.ReputationIP, N: 14},
		{Kind: bounce.KindBounce, Reason: bounce.UserUnknown, N: 5},
	}
	day := func(back, was, now int) query.Revision {
		from, _ := Day.Bounds(noon, berlin, back)
		return query.Revision{From: from, Was: map[bounce.Class]int{bounce.ClassHard: was, bounce.ClassSoft: 3}, Now: map[bounce.Class]int{bounce.ClassHard: now, bounce.ClassSoft: now - was + 3}}
	}
	f.Revisions = []query.Revision{day(1, 10, 12), day(2, 7, 7), day(3, 1200, 1201)}
	f.Exports = []query.ExportFacts{
		{Name: "suppression", Profile: "csv", Path: "/var/lib/harvester/export/suppression.csv", Generation: 17, At: at(23, 45), Rows: 4812},
		{Name: "newsletter", Profile: "listmonk", Generation: 3, At: at(3, 0), Rows: 4765, Withheld: true, Why: "49 new suppressions in an hour, the limit is 40"},
	}
	return f
}

// spanned is a history in weeks or months.
func spanned(unit Span) query.ReportFacts {
	f := busy()
	f.Revisions = nil
	f.Before = f.Before[:unit.history()-1]
	f.Today.From, f.Today.To = unit.Bounds(noon, berlin, 0)
	for i := range f.Before {
		f.Before[i].From, f.Before[i].To = unit.Bounds(noon, berlin, i+1)
	}
	f.Today.Refusals[0].Last = noon.AddDate(0, 0, 2)
	return f
}

// hostile has markup, escapes and endless words in every field of a stranger.
func hostile() query.ReportFacts {
	f := busy()
	evil := "<script>alert(1)</script>\x1b[31m\r\nPROBLEMS\u202e\u0000<img src=x onerror=alert(1)>\"'><a href='javascript:1'>" + strings.Repeat("W", 300) + "漢字漢字"
	for i := range f.Today.Receivers {
		f.Today.Receivers[i].Receiver += evil
		f.Today.Receivers[i].Status += evil
	}
	for i := range f.Today.Reasons {
		f.Today.Reasons[i].Sample = evil
		f.Today.Reasons[i].Status = evil
	}
	for i := range f.Today.Refusals {
		f.Today.Refusals[i].Diagnostic += evil
		f.Today.Refusals[i].Receiver += evil
	}
	for i := range f.Today.Changes {
		c := &f.Today.Changes[i]
		c.Address, c.Key, c.Reason, c.Why = evil+"@"+evil, evil+"@"+evil, evil, evil
	}
	for i := range f.Today.Streams {
		f.Today.Streams[i].Stream += evil
	}
	for i := range f.Jobs {
		f.Jobs[i].Job, f.Jobs[i].Detail = job.Kind(evil).Alone(), evil
	}
	for i := range f.Exports {
		f.Exports[i].Name, f.Exports[i].Why, f.Exports[i].Profile = evil, evil, evil
	}
	return f
}

type form struct {
	ext    string
	render func(*Report, io.Writer) error
}

var forms = []form{{"txt", (*Report).Text}, {"json", (*Report).JSON}, {"html", (*Report).HTML}, {"mail.html", (*Report).MailHTML}}

func render(t testing.TB, r *Report, f form) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.render(r, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func cases() map[string]*Report {
	masked, full, host := options(), options(), options()
	masked.Addresses, full.Addresses = Masked, Full
	host.Host = "<b>host</b>"
	host.Addresses = Full
	silent := quiet()
	silent.Today.Kinds, silent.Today.Failed, silent.Today.Added = nil, nil, 0
	silent.Before[0].Kinds = nil
	young := options()
	young.Now = noon
	week, month := options(), options()
	week.Span, month.Span = Week, Month
	early := quiet()
	early.Today.Day, early.Before, early.Since = query.Day{}, nil, noon.AddDate(0, 0, 3)
	open := quiet()
	open.Today.Refusals = busy().Today.Refusals[4:5]
	return map[string]*Report{
		"early": Compose(early, options()), "open": Compose(open, options()),
		"week": Compose(spanned(Week), week), "month": Compose(spanned(Month), month),
		"quiet": Compose(quiet(), options()), "busy": Compose(busy(), options()), "busy-masked": Compose(busy(), masked), "busy-full": Compose(busy(), full),
		"checked": Compose(checked(), options()),
		"hostile": Compose(hostile(), host), "silent": Compose(silent, options()), "empty": Compose(query.ReportFacts{}, young),
	}
}

// checked is a busy day on which somebody looked at DNS.
func checked() query.ReportFacts {
	f := busy()
	at := f.Today.From.Add(9 * time.Hour)
	f.Findings = []facts.Finding{
		{Scope: "spf:example.org", ID: "spf.missing_ip", Subject: "example.org", Verdict: "confirmed", Owner: "us_dns", Fault: true, Opened: at, Last: at,
			Answer: "the SPF record of example.org does not list 192.0.2.25",
			Steps:  []string{"publish the record below in place of the one that stands there", `example.org. TXT "v=spf1 ip4:192.0.2.25 -all"`}},
		{Scope: facts.WatchScope, ID: "dkim.gone", Subject: "s1._domainkey.example.org", Verdict: "confirmed", Owner: "us_dns", Fault: true, Opened: at.AddDate(0, 0, -2), Last: at,
			Answer: "the key of the selector s1 is gone", Steps: []string{"publish it again"}},
		{Scope: "ptr:192.0.2.26", ID: "ptr.right", Subject: "192.0.2.26", Verdict: "refuted", Owner: "receiver", Opened: at, Last: at,
			Answer: "192.0.2.26 has a name, and it leads back\x1b[31m to it", Steps: []string{"ask the receiver"}},
		{Scope: facts.WatchScope, ID: "dmarc.doubled", Subject: "example.org", Verdict: "confirmed", Owner: "us_dns", Fault: true, Opened: at.AddDate(0, 0, -9), Last: at, Closed: at,
			Answer: "example.org has two DMARC records", Steps: []string{"remove one"}},
		{Scope: facts.WatchScope, ID: "spf.right", Subject: "example.org", Verdict: "refuted", Owner: "nobody", Opened: at, Last: at, Answer: "all is well", Steps: []string{}},
	}
	return f
}

func TestGolden(t *testing.T) {
	for name, r := range cases() {
		for _, f := range forms {
			got := render(t, r, f)
			path := filepath.Join("testdata", name+"."+f.ext)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Errorf("%s (-want +got):\n%s", path, d)
			}
		}
	}
}

// No line is wider than a terminal, none has a control character, and nothing
// is left at the end of a line.
func TestTextStaysInBounds(t *testing.T) {
	for name, r := range cases() {
		for i, line := range strings.Split(string(render(t, r, forms[0])), "\n") {
			if columns.Of(line) > lineWidth || strings.ContainsAny(line, "\x1b\x00\r\u202e") || strings.TrimRight(line, " ") != line {
				t.Errorf("%s:%d: %d columns: %q", name, i+1, columns.Of(line), line)
			}
		}
	}
}

func TestFirstLineAnswers(t *testing.T) {
	c := cases()
	for name, want := range map[string]string{
		"quiet":  "OK: all is well, nothing to do\n",
		"busy":   "CRIT: act now: ",
		"silent": "CRIT: act now: no mail for two days, 54 a day were usual\n",
		"empty":  "WARN: look at it today: no mail has ever come in\n",
		"early":  "OK: no mail had come in yet: the first one came on 2026-03-05\n",
		"open":   "OK: mend it when you can: our mail is larger than the receiver takes (2",
	} {
		if got := string(render(t, c[name], forms[0])); !strings.HasPrefix(got, want) {
			t.Errorf("%s begins %q", name, got[:strings.IndexByte(got, '\n')])
		}
	}
}

// Unless the operator asks for them, no local part leaves the house.
func TestAddressesStayHidden(t *testing.T) {
	for name, forbidden := range map[string][]string{
		"busy":        {"jane.doe", "fred@", "user01@", "j***"},
		"busy-masked": {"jane.doe", "fred@", "user01@"},
	} {
		for _, f := range forms {
			got := string(render(t, cases()[name], f))
			for _, s := range forbidden {
				if strings.Contains(got, s) {
					t.Errorf("%s.%s shows %q", name, f.ext, s)
				}
			}
		}
	}
	if got := string(render(t, cases()["busy-full"], forms[0])); !strings.Contains(got, "jane.doe@example.com") {
		t.Error("addresses were asked for and are not shown")
	}
}

// Days have the length that the clocks give them.
func TestSpanAcrossClockChange(t *testing.T) {
	for day, want := range map[string]time.Duration{"2026-03-28": 24 * time.Hour, "2026-03-29": 23 * time.Hour, "2026-10-25": 25 * time.Hour} {
		d, _ := time.ParseInLocation(time.DateOnly, day, berlin)
		if from, to := Day.Bounds(d.Add(13*time.Hour), berlin, 0); to.Sub(from) != want || from.Format(time.DateOnly) != day {
			t.Errorf("%s: %v to %v", day, from, to)
		}
	}
}

// Weeks begin on Monday, months on the first; both have names of their own.
func TestSpans(t *testing.T) {
	for _, c := range []struct {
		span           Span
		day            string
		back           int
		from, to, name string
	}{
		{Week, "2026-03-02", 0, "2026-03-02", "2026-03-09", "2026-W10"}, {Week, "2026-03-08", 0, "2026-03-02", "2026-03-09", "2026-W10"},
		{Week, "2027-01-01", 0, "2026-12-28", "2027-01-04", "2026-W53"}, {Week, "2026-03-08", 9, "2025-12-29", "2026-01-05", "2026-W01"},
		{Month, "2026-03-31", 0, "2026-03-01", "2026-04-01", "2026-03"}, {Month, "2026-03-31", 1, "2026-02-01", "2026-03-01", "2026-02"},
		{Month, "2026-01-15", 3, "2025-10-01", "2025-11-01", "2025-10"}, {Day, "2026-03-01", 1, "2026-02-28", "2026-03-01", "2026-02-28"},
	} {
		d, _ := time.ParseInLocation(time.DateOnly, c.day, berlin)
		from, to := c.span.Bounds(d.Add(23*time.Hour), berlin, c.back)
		if from.Format(time.DateOnly) != c.from || to.Format(time.DateOnly) != c.to || c.span.label(from) != c.name {
			t.Errorf("%+v: %v to %v, %s", c, from, to, c.span.label(from))
		}
	}
	var s Span
	if err := s.UnmarshalText([]byte("month")); err != nil || s != Month {
		t.Errorf("%v, %v", s, err)
	}
	if err := s.UnmarshalText([]byte("year")); err == nil {
		t.Error("a year was taken")
	}
}

func TestRise(t *testing.T) {
	for _, c := range []struct {
		n    int
		mean float64
		want Severity
	}{{10, 10, OK}, {16, 10, OK}, {20, 10, Warn}, {40, 10, Crit}, {3, 0.3, OK}, {14, 1, OK}, {50, 4, Crit}, {100, 0, OK}} {
		if got := rise(c.n, c.mean); got != c.want {
			t.Errorf("%d at a mean of %v: %v, want %v", c.n, c.mean, got, c.want)
		}
	}
}
