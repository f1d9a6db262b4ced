package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"

	"harvester/cmd/harvester/config"
	"harvester/schedule"
	"harvester/store/job"
	"harvester/store/policy"
	"harvester/store/query"
)

// postbox is a mail server that keeps what it takes.
type postbox struct {
	refuse atomic.Bool
	mails  chan *mail.Reader
}

func (p *postbox) NewSession(*smtp.Conn) (smtp.Session, error) { return taking{p}, nil }

type taking struct{ *postbox }

func (taking) Mail(string, *smtp.MailOptions) error { return nil }
func (taking) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (taking) Reset()                               {}
func (taking) Logout() error                        { return nil }
func (t taking) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if t.refuse.Load() {
		return &smtp.SMTPError{Code: 451, Message: "greylisted"}
	}
	if err != nil {
		return err
	}
	m, err := mail.CreateReader(bytes.NewReader(raw))
	t.mails <- m
	return err
}

// taken is what came since the last call.
func (p *postbox) taken() (out []*mail.Reader) {
	for {
		select {
		case m := <-p.mails:
			out = append(out, m)
		default:
			return out
		}
	}
}

func startPostbox(t *testing.T) (*postbox, string) {
	t.Helper()
	p := &postbox{mails: make(chan *mail.Reader, 100)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv, done := smtp.NewServer(p), make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return p, ln.Addr().String()
}

func alarmSet(t *testing.T, more string) *Set {
	t.Helper()
	path := filepath.Join(t.TempDir(), "harvester.toml")
	text := "own_domains = [\"example.org\"]\nhostname = \"mail.example.org\"\ntimezone = \"UTC\"\n[store]\npath = \"h.db\"\n" + more
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	set, err := Open(t.Context(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = set.Close() })
	return set
}

// ends records a run of a job.
func ends(t *testing.T, set *Set, j job.Name, failure error) {
	t.Helper()
	run, err := set.DB.Runs.BeginRun(t.Context(), j)
	if err == nil {
		err = set.DB.Runs.EndRun(t.Context(), run, "done", failure)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func words(t *testing.T, m *mail.Reader) (subject, text string) {
	t.Helper()
	subject, err := m.Header.Subject()
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(p.Body)
	if err != nil {
		t.Fatal(err)
	}
	return subject, string(b)
}

// A job that keeps failing is told of once by each way, however often one of
// them fails, and so is that it is over, as an answer to the first.
func TestTellTroubles(t *testing.T) {
	box, server := startPostbox(t)
	var posted []string
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		posted = append(posted, r.Header.Get("Idempotency-Key")+" "+string(b))
	}))
	defer hook.Close()
	t.Setenv("HOOK", hook.URL)
	set := alarmSet(t, fmt.Sprintf("[report.mail]\nserver = %q\ntls = \"none\"\nfrom = \"harvester@example.org\"\nto = [\"boss@example.org\"]\n"+
		"[alarm]\nto = [\"ops@example.org\"]\nagain = \"never\"\n[alarm.webhook]\nurl = \"env:HOOK\"\n", server))
	start := time.Now()
	look := func(after time.Duration) error {
		t.Helper()
		_, err := set.tellTroubles(t.Context(), start.Add(after))
		return err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ends(t, set, job.Retention.Alone(), nil)
	ends(t, set, job.Retention.Alone(), errors.New("no rights for ann@example.com"))
	must(look(30 * time.Minute))
	if len(posted)+len(box.taken()) > 0 {
		t.Fatalf("one failed run is no news: %q", posted)
	}
	box.refuse.Store(true)
	err := look(61 * time.Minute)
	var partial *schedule.Partial
	if !errors.As(err, &partial) || !strings.Contains(err.Error(), "greylisted") {
		t.Fatalf("the mail server refused: %v", err)
	}
	if err = look(66 * time.Minute); !errors.As(err, &partial) {
		t.Fatalf("it still does: %v", err)
	}
	box.refuse.Store(false)
	for i := range 3 {
		must(look(71*time.Minute + time.Duration(i)*5*time.Minute))
	}
	mails := box.taken()
	if len(mails) != 1 || len(posted) != 1 {
		t.Fatalf("%d mails, %d posts", len(mails), len(posted))
	}
	subject, text := words(t, mails[0])
	opening, _ := mails[0].Header.MessageID()
	to, _ := mails[0].Header.AddressList("To")
	if subject != "[harvester] WARN mail.example.org: retention fails" || !strings.Contains(text, "***@example.com") || strings.Contains(text, "ann@") ||
		len(to) != 1 || to[0].Address != "ops@example.org" {
		t.Errorf("%s to %v\n%s", subject, to, text)
	}
	if !strings.HasPrefix(posted[0], opening+" ") || !strings.Contains(posted[0], `"schema":"harvester.alert/1"`) || !strings.Contains(posted[0], `"id":"job.retention"`) {
		t.Errorf("posted %s, mailed as %s", posted[0], opening)
	}
	if a, err := set.Alarms(t.Context(), start.Add(80*time.Minute)); err != nil || len(a) != 1 || len(a[0].Told) != 3 {
		t.Errorf("%+v %v", a, err)
	}
	ends(t, set, job.Retention.Alone(), nil)
	must(look(2 * time.Hour))
	if n := len(box.taken()); n > 0 {
		t.Error("it may come back")
	}
	night := start.UTC().Add(3 * time.Hour)
	must(set.Config.Alarm.Quiet.UnmarshalText([]byte(night.Add(-time.Hour).Format("15:04") + "-" + night.Add(time.Hour).Format("15:04"))))
	must(look(3 * time.Hour))
	if n := len(box.taken()); n > 0 {
		t.Error("nobody wants to know at night")
	}
	must(look(5 * time.Hour))
	must(look(6 * time.Hour))
	if mails = box.taken(); len(mails) != 1 || len(posted) != 2 {
		t.Fatalf("%d mails, %d posts", len(mails), len(posted))
	}
	refs, _ := mails[0].Header.MsgIDList("In-Reply-To")
	if subject, _ = words(t, mails[0]); subject != "[harvester] OK mail.example.org: over: retention fails" || !slices.Equal(refs, []string{opening}) {
		t.Errorf("%s, in reply to %q, not %q", subject, refs, opening)
	}
	if known, err := set.DB.Alarms.Alarms(t.Context()); err != nil || len(known) != 0 {
		t.Errorf("what is over is kept: %+v %v", known, err)
	}
}

// Where nobody is told, alarms are known all the same.
func TestAlarmsWithoutWay(t *testing.T) {
	set := alarmSet(t, "[alarm]\nsend = false\n[report.webhook]\nurl = \"env:HOOK\"\n")
	if len(set.Ways()) > 0 {
		t.Error("sending is switched off")
	}
	ends(t, set, job.Retention.Alone(), errors.New("broken"))
	if detail, err := set.tellTroubles(t.Context(), time.Now().Add(7*time.Hour)); err != nil || detail != "1 open" {
		t.Errorf("%s %v", detail, err)
	}
	known, err := set.DB.Alarms.Alarms(t.Context())
	if err != nil || len(known) != 1 || known[0].ID != "job.retention" || known[0].Urgency != policy.Soon || known[0].Told["log"].At.IsZero() {
		t.Errorf("%+v %v", known, err)
	}
}

const alarmMailbox = "[[mailbox]]\nname = \"bounces\"\nserver = \"imap.example.org:993\"\nusername = \"b\"\npassword = \"env:NONE\"\n"

// A mailbox that can't be read wakes somebody after a while; a run that goes on
// meanwhile changes nothing.
func TestFailing(t *testing.T) {
	set := alarmSet(t, alarmMailbox)
	ends(t, set, job.Harvest.Of("bounces"), errors.New("refused"))
	ends(t, set, job.Harvest.Of("bounces"), errors.New("refused again"))
	if _, err := set.DB.Runs.BeginRun(t.Context(), job.Harvest.Of("bounces")); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]string{59 * time.Minute: "", 61 * time.Minute: "warn", 7 * time.Hour: "crit"} {
		got, err := set.failing(t.Context(), time.Now().Add(after))
		if err != nil || len(got) > 1 || want == "" && len(got) > 0 || want != "" && (len(got) == 0 || got[0].Urgency.String() != want || got[0].Next != "refused again") {
			t.Errorf("after %s: %+v %v", after, got, err)
		}
	}
}

func TestIncidentTrouble(t *testing.T) {
	opened := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	in := func(group string, count, receivers int, acts ...query.IncidentAct) query.Incident {
		return query.Incident{ID: group + ":example.org", Cause: policy.Cause{Group: group, Title: group}, Opened: opened, Count: count,
			Receivers: make([]string, receivers), Acts: acts}
	}
	proven := func(in query.Incident, by int) query.Incident {
		in.Proven, in.ProvenBy = in.Count, by
		return in
	}
	closed := in("spf", 5, 5)
	closed.Closed = opened.Add(time.Hour)
	for name, tt := range map[string]struct {
		in      query.Incident
		ok      bool
		urgency policy.Urgency
		known   bool
	}{
		"one receiver":   {proven(in("spf", 5, 1), 1), true, policy.Soon, false},
		"many receivers": {proven(in("spf", 5, 3), 3), true, policy.Now, false},
		"one sender":     {proven(in("spf", 5, 3), 1), true, policy.Soon, false},
		"none proven":    {in("spf", 5, 3), true, policy.Soon, false},
		"our account":    {proven(in("account", 2, 1), 2), true, policy.Now, false},
		"anybody's word": {in("account", 2, 1), true, policy.Soon, false},
		"a few refusals": {in("content", 9, 5), false, policy.Soon, false},
		"many refusals":  {in("content", 10, 5), true, policy.Soon, false},
		"closed":         {closed, false, policy.Soon, false},
		"seen":           {proven(in("spf", 5, 3, query.IncidentAct{Act: "ack", At: opened.Add(time.Minute)}), 2), true, policy.Now, true},
		"seen last time": {proven(in("spf", 5, 3, query.IncidentAct{Act: "ack", At: opened.Add(-time.Minute)}), 2), true, policy.Now, false},
	} {
		got, ok := incidentTrouble(&tt.in)
		if ok != tt.ok || ok && (got.Urgency != tt.urgency || got.Known != tt.known) {
			t.Errorf("%s: %+v %v", name, got, ok)
		}
	}
}
