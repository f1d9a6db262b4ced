package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"harvester/store/query"
	"harvester/store/report"
)

var day = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func aReport() *report.Report {
	return report.Compose(query.ReportFacts{}, report.Options{Host: "mail.example.org", Day: day, Location: time.UTC, Now: day.AddDate(0, 0, 1)})
}

func letter() Letter {
	r := aReport()
	return Letter{From: []*mail.Address{{Name: "Härvester", Address: "harvester@example.org"}}, To: []*mail.Address{{Address: "ops@example.org"}},
		MessageID: MessageID(r), Date: day, Report: r}
}

func TestCompose(t *testing.T) {
	l := letter()
	raw, err := l.Compose()
	if err != nil {
		t.Fatal(err)
	}
	m, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"Subject":            "[harvester] WARN mail.example.org 2026-03-02: look at it today: no mail has ever come in",
		"Message-Id":         "<report.2026-03-02@mail.example.org>",
		"Auto-Submitted":     "auto-generated",
		"X-Harvester-Status": "warn",
	} {
		if got, err := m.Header.Text(field); err != nil || got != want {
			t.Errorf("%s: %q, %v", field, got, err)
		}
	}
	var kinds []string
	for {
		p, err := m.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(p.Body)
		if err != nil || len(b) == 0 {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		switch h := p.Header.(type) {
		case *mail.InlineHeader:
			k, _, _ := h.ContentType()
			kinds = append(kinds, k)
		case *mail.AttachmentHeader:
			k, _, _ := h.ContentType()
			name, _ := h.Filename()
			kinds = append(kinds, k+" "+name)
			if !json.Valid(b) {
				t.Error("the attachment is no JSON")
			}
		}
	}
	if got := strings.Join(kinds, ", "); got != "text/plain, text/html, application/json report-2026-03-02.json" {
		t.Errorf("parts: %s", got)
	}
	for _, line := range strings.Split(string(raw), "\r\n") {
		if len(line) > 998 {
			t.Errorf("a line of %d bytes (RFC 5322 §2.1.1)", len(line))
		}
	}
}

func TestSubjectStaysOneLine(t *testing.T) {
	r := aReport()
	r.Headline = "x\r\nBcc: a@example.com"
	if got := Subject(r); strings.ContainsAny(got, "\r\n") {
		t.Errorf("%q", got)
	}
}

// inbox is a server that keeps what it gets.
type inbox struct {
	from, user string
	to         []string
	mail       []byte
	refuse     error // of every recipient
	hang       chan struct{}
}

func (i *inbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{i}, nil }

type session struct{ *inbox }

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "secret" {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.hang != nil {
		<-s.hang
	}
	s.from = from
	return nil
}
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return s.refuse
}
func (s *session) Data(r io.Reader) (err error) {
	s.mail, err = io.ReadAll(r)
	return err
}
func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func serve(t *testing.T, i *inbox) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := smtp.NewServer(i)
	srv.AllowInsecureAuth = true
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return ln.Addr().String()
}

func TestSMTP(t *testing.T) {
	l := letter()
	raw, err := l.Compose()
	if err != nil {
		t.Fatal(err)
	}
	in := &inbox{}
	s := &SMTP{Server: serve(t, in), TLS: "none", Username: "harvester", Hello: "mail.example.org", Timeout: 10 * time.Second,
		Password: func(context.Context) (string, error) { return "secret", nil }}
	if err := s.Send(context.Background(), []string{"ops@example.org", "boss@example.org"}, raw); err != nil {
		t.Fatal(err)
	}
	if in.from != "" || in.user != "harvester" || len(in.to) != 2 || !bytes.Equal(in.mail, raw) {
		t.Errorf("from %q as %q to %q, %d of %d bytes", in.from, in.user, in.to, len(in.mail), len(raw))
	}
}

func TestSMTPOverTLS(t *testing.T) {
	certs := httptest.NewTLSServer(nil) // for its certificate of 127.0.0.1
	defer certs.Close()
	roots := certs.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for _, mode := range []string{"starttls", "implicit"} {
		in := &inbox{}
		srv := smtp.NewServer(in)
		srv.TLSConfig = &tls.Config{Certificates: certs.TLS.Certificates}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if mode == "implicit" {
			ln = tls.NewListener(ln, srv.TLSConfig)
		}
		done := make(chan struct{})
		go func() { defer close(done); _ = srv.Serve(ln) }()
		s := &SMTP{Server: ln.Addr().String(), TLS: mode, Roots: roots, Hello: "mail.example.org", Envelope: "ops@example.org", Timeout: 10 * time.Second}
		if err := s.Send(context.Background(), []string{"ops@example.org"}, []byte("Subject: x\r\n\r\nx\r\n")); err != nil || in.from != "ops@example.org" {
			t.Errorf("%s: from %q, %v", mode, in.from, err)
		}
		s.Roots = nil
		if err := s.Send(context.Background(), []string{"ops@example.org"}, []byte("x")); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: a stranger's certificate was taken: %v", mode, err)
		}
		_ = srv.Close()
		<-done
	}
}

func TestSMTPFailures(t *testing.T) {
	refusing := &inbox{refuse: &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody here"}}
	hanging := &inbox{hang: make(chan struct{})}
	t.Cleanup(func() { close(hanging.hang) })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := ln.Addr().String()
	_ = ln.Close()
	for _, c := range []struct {
		name string
		s    SMTP
		want string
	}{
		{"refused recipient", SMTP{Server: serve(t, refusing), TLS: "none"}, "naming the recipient <ops@example.org>: SMTP error 550: nobody here"},
		{"wrong password", SMTP{Server: serve(t, &inbox{}), TLS: "none", Username: "u", Password: func(context.Context) (string, error) { return "hunter2", nil }}, "signing in as u: "},
		{"no STARTTLS", SMTP{Server: serve(t, &inbox{}), TLS: "starttls"}, "starting TLS: "},
		{"no TLS", SMTP{Server: serve(t, &inbox{}), TLS: "implicit"}, "starting TLS: "},
		{"nobody there", SMTP{Server: closed, TLS: "none"}, "connection refused"},
		{"hangs", SMTP{Server: serve(t, hanging), TLS: "none", Timeout: 200 * time.Millisecond}, "naming the return path"},
		{"wrong word", SMTP{Server: serve(t, &inbox{}), TLS: "maybe"}, `tls is "maybe"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.Hello = "mail.example.org"
			if c.s.Timeout == 0 {
				c.s.Timeout = 5 * time.Second
			}
			err := c.s.Send(context.Background(), []string{"ops@example.org"}, []byte("Subject: x\r\n\r\nx\r\n"))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.s.Server) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWebhook(t *testing.T) {
	var got []byte
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
			return
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "what it said")
	}))
	defer srv.Close()
	h := Webhook{URL: srv.URL + "/key-in-the-path", Format: "text", Timeout: 5 * time.Second, Client: srv.Client()}
	if err := h.Post(context.Background(), aReport()); err != nil {
		t.Fatal(err)
	}
	var chat struct{ Text string }
	if err := json.Unmarshal(got, &chat); err != nil || !strings.HasPrefix(chat.Text, "```\nWARN: look at it today") {
		t.Errorf("%s, %v", got, err)
	}
	h.Format = "json"
	if err := h.Post(context.Background(), aReport()); err != nil || !bytes.Contains(got, []byte(`"schema": "harvester.report/2"`)) {
		t.Errorf("%.100s, %v", got, err)
	}
	status = http.StatusBadGateway
	check := func(want string) {
		t.Helper()
		err := h.Post(context.Background(), aReport())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "key-in-the-path") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	check(`502 Bad Gateway: "what it said"`)
	h.Format = "carrier pigeon"
	check("format is")
	h.Format, h.URL, h.Timeout = "json", srv.URL+"/slow", 100*time.Millisecond
	check("deadline exceeded")
	h.URL = "gopher://example.org/key-in-the-path"
	check("no http or https address")
	srv.Close()
	h.URL = srv.URL + "/key-in-the-path"
	check("connection refused")
}
