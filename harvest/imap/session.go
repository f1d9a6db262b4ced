package imap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/wire"
)

// farewellTimeout bounds LOGOUT: nothing depends on its answer.
const farewellTimeout = 5 * time.Second

// session is one signed-in connection. One command is under way at a time.
type session struct {
	*source
	harvest.Share
	conn   *wire.Guard
	client *imapclient.Client
	alias  *alias

	folder  *selected
	slipped *slips
	arrived chan struct{}     // gets one value when the folder grew
	counted int64             // bytes of this connection that the budget knows of
	tried   map[string]uidSet // by folder, what this visit could not read
	broke   bool              // the last FETCH of bodies ended the connection without a word
}

// selected is the open folder.
type selected struct {
	name        string
	uidValidity uint32
	messages    int      // when it was opened
	uidNext     imap.UID // when it was opened; 0 where the server doesn't say
	writable    bool
	permanent   []imap.Flag // that can be changed for good; nil where the server doesn't say
	rights      string      // of this user, "" where they can't be told
	askedRights bool
	marks       bool // \Deleted was set there, and taken back
	fresh       bool // nothing was listed since it was opened
	unnumbered  bool // UIDVALIDITY 0: the UIDs of another visit mean nothing
	id          string
	plan        plan

	known  *known // nil until a cursor was seen
	state  string // of the cursor that known stands for
	asked  uint32 // its UID
	listed uidSet
	short  int64 // messages that the folder says it holds, and doesn't list
}

// Open connects and signs in.
func (s *source) Open(ctx context.Context) (harvest.Session, error) {
	if err := s.check(); err != nil {
		return nil, &harvest.Fault{Mailbox: s.Name, Step: "reading the settings", Err: err}
	}
	session, err := s.signedIn(ctx)
	if err != nil {
		return nil, err
	}
	return session, nil
}

func (s *source) signedIn(ctx context.Context) (*session, error) {
	session, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	err = session.signIn(ctx)
	if errors.Is(err, harvest.ErrAuth) && s.Auth.Rejected() {
		// The token was stale; the exchange is spoilt, so start anew.
		session.abandon()
		if session, err = s.connect(ctx); err != nil {
			return nil, err
		}
		err = session.signIn(ctx)
	}
	if err != nil {
		session.abandon()
		return nil, err
	}
	return session, nil
}

// reconnect replaces a broken connection.
func (s *session) reconnect(ctx context.Context) error {
	s.abandon()
	fresh, err := s.signedIn(ctx)
	if err != nil {
		return err
	}
	s.conn, s.client, s.alias, s.arrived, s.slipped, s.folder, s.counted = fresh.conn, fresh.client, fresh.alias, fresh.arrived, fresh.slipped, nil, 0
	return nil
}

// connect reaches the point where the server has greeted.
func (s *source) connect(ctx context.Context) (*session, error) {
	end := s.endpoint()
	conn, err := end.Dial(ctx)
	if err != nil {
		return nil, err
	}
	arrived := make(chan struct{}, 1)
	notice := func(data *imapclient.UnilateralDataMailbox) {
		if data.NumMessages == nil {
			return
		}
		select {
		case arrived <- struct{}{}:
		default:
		}
	}
	slipped := newSlips()
	g := wire.NewGuard(conn, min(wire.GreetingTimeout, s.Timeout))
	g.Expect(true)
	renamed := &alias{Conn: g}
	client := imapclient.New(renamed, &imapclient.Options{
		UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: notice, Fetch: slipped.take},
	})
	se := &session{source: s, conn: g, client: client, alias: renamed, arrived: arrived, slipped: slipped, tried: map[string]uidSet{}}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := client.WaitGreeting(); err != nil {
		se.abandon()
		if cause := context.Cause(ctx); cause != nil {
			return nil, end.Unreachable("waiting for the greeting of "+s.Server, cause)
		}
		var said *imap.Error
		if errors.As(err, &said) {
			return nil, end.RefusedGreeting("* " + wordsOf(said))
		}
		tail := g.Heard()
		if first := g.Failure(); first != nil {
			return nil, end.NoGreeting([]byte(tail), first)
		}
		if tail != "" {
			return nil, end.RefusedGreeting(tail)
		}
		return nil, end.NoGreeting(nil, err)
	}
	g.Expect(false)
	g.SetTimeout(s.Timeout)
	return se, nil
}

// do runs one command: within ctx, with the server's silence limited.
func (s *session) do(ctx context.Context, step string, command func() error) error {
	if err := ctx.Err(); err != nil {
		return &harvest.Fault{Mailbox: s.Name, Step: step, Err: err}
	}
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	s.conn.Expect(true)
	err := command()
	s.conn.Expect(false)
	stop()
	if err != nil {
		return s.failed(ctx, step, err)
	}
	return nil
}

// signIn authenticates unless the server already knows us (PREAUTH).
func (s *session) signIn(ctx context.Context) error {
	if s.client.State() == imap.ConnStateAuthenticated {
		return nil
	}
	err := s.do(ctx, "signing in as "+s.Auth.User(), func() error {
		caps := s.caps()
		if caps == nil {
			return cmpErr(s.conn.Failure(), io.ErrUnexpectedEOF)
		}
		offered := func(mechanism string) bool { return caps.Has(imap.AuthCap(mechanism)) }
		exchange, err := s.Auth.Start(ctx, offered)
		if err == nil {
			return s.client.Authenticate(exchange)
		}
		password, ok := s.Auth.(*auth.Password)
		if !ok || !errors.Is(err, auth.ErrNoMechanism) || caps.Has(imap.CapLoginDisabled) {
			return fmt.Errorf("%w (offered: %s)", err, offeredNames(caps))
		}
		secret, err := password.Read(ctx)
		if err != nil {
			return err
		}
		return s.client.Login(password.Username, secret).Wait()
	})
	return s.authFault(err)
}

func offeredNames(caps imap.CapSet) string {
	names := caps.AuthMechanisms()
	slices.Sort(names)
	if caps.Has(imap.CapLoginDisabled) {
		names = append(names, "LOGINDISABLED")
	}
	return strings.Join(names, " ")
}

// authFault tells a refusal, which only an operator can mend, from a passing
// fault.
func (s *session) authFault(err error) error {
	var f *harvest.Fault
	if !errors.As(err, &f) {
		return err
	}
	switch {
	case errors.Is(f.Err, auth.ErrNoMechanism):
		f.Kind = harvest.ErrAuth
		f.Hint = "the server wants another kind of sign-in: OAuth2 instead of a password or the reverse, or TLS first"
	case refused(f.Err) && f.After == 0 && !strings.Contains(f.Words, "[SERVERBUG]"):
		f.Kind = harvest.ErrAuth
		f.Hint = auth.Hint(s.Auth, f.Words)
	}
	return f
}

// open selects the folder unless it is selected already.
func (s *session) open(ctx context.Context, name string) (*selected, error) {
	if s.folder != nil && s.folder.name == name {
		return s.folder, nil
	}
	s.folder = nil
	_ = s.has(ctx, imap.CapObjectID) // the names of folders depend on what is known of the server
	var data *imap.SelectData
	err := s.do(ctx, "opening folder "+name, func() (err error) {
		data, err = s.client.Select(name, &imap.SelectOptions{ReadOnly: s.ReadOnly}).Wait()
		return err
	})
	if err != nil {
		return nil, s.folderFault(ctx, err)
	}
	said := s.conn.Heard()
	s.folder = &selected{
		name: name, uidValidity: data.UIDValidity, uidNext: data.UIDNext, messages: int(data.NumMessages), unnumbered: data.UIDValidity == 0, fresh: true,
		writable: !s.ReadOnly,
	}
	// Without the code all flags can be changed (RFC 9051 §7.1).
	if len(data.PermanentFlags) > 0 || permanentFlags.MatchString(said) {
		s.folder.permanent = append([]imap.Flag{}, data.PermanentFlags...)
		s.folder.writable = !s.ReadOnly && len(data.PermanentFlags) > 0
	}
	if readOnly.MatchString(said) {
		s.folder.writable = false
	}
	if id := s.heardID(); id != "" && s.has(ctx, imap.CapObjectID) {
		s.folder.id = id
	}
	return s.folder, nil
}

// permanentFlags finds a code that go-imap reads and doesn't tell when it names no
// flag, which means [READ-ONLY].
var permanentFlags = regexp.MustCompile(`(?i)\[PERMANENTFLAGS \(\)\]`)

// readOnly finds the code with which a server opens a folder for reading only
// though writing was asked for (RFC 9051 §6.3.2), which go-imap doesn't tell.
var readOnly = regexp.MustCompile(`(?im)^(?:\*|[^ \r\n]+) OK \[READ-ONLY\]`)

// Probe opens a folder and says how many messages it holds. Unless the mailbox
// is only read, it fails for a folder that nothing may be changed in.
func (s *session) Probe(ctx context.Context, folder string) (int, error) {
	f, err := s.open(ctx, folder)
	if err != nil {
		return 0, err
	}
	if !s.ReadOnly && !f.writable {
		return 0, s.notWritable(folder)
	}
	return f.messages, nil
}

// Newest is the cursor before the newest n messages.
func (s *session) Newest(ctx context.Context, folder string, n int) (harvest.Cursor, error) {
	cur := harvest.Cursor{Mailbox: s.Name, Folder: folder}
	f, err := s.open(ctx, folder)
	if err != nil {
		return cur, err
	}
	f.recognize(cur, time.Now())
	if err := s.list(ctx, f); err != nil {
		return cur, err
	}
	if uids := f.plan.uids; len(uids) > n {
		cur.UIDValidity, cur.LastUID = f.uidValidity, uint32(uids[len(uids)-n-1])
	}
	return cur, nil
}

func (s *session) folderFault(ctx context.Context, err error) error {
	var f *harvest.Fault
	if !errors.As(err, &f) || !refused(f.Err) || f.After != 0 || passing(f.Words) {
		return err
	}
	// QUIRK: Exchange Online signs in anyone with a token and tells only here
	// that the mailbox is not theirs.
	if strings.Contains(f.Words, "authenticated but not connected") {
		f.Kind, f.Hint = harvest.ErrAuth, auth.Hint(s.Auth, f.Words)
		return f
	}
	f.Kind = harvest.ErrFolder
	if strings.Contains(f.Words, "[NOPERM]") {
		f.Kind, f.Hint = harvest.ErrDenied, "give this user the rights l and r there"
		return f
	}
	if names := s.folderNames(ctx); len(names) > 0 {
		f.Hint = "folders there: " + strings.Join(names, ", ")
	}
	return f
}

// folderNames lists some folders for the operator who mistyped one.
func (s *session) folderNames(ctx context.Context) []string {
	const most = 12
	var names []string
	err := s.do(ctx, "listing folders", func() error {
		list, err := s.client.List("", "*", nil).Collect()
		for _, data := range list {
			names = append(names, data.Mailbox)
		}
		return err
	})
	if err != nil {
		s.Log.Debug("listing folders failed", "mailbox", s.Name, "err", err)
	}
	slices.Sort(names)
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return names
}

// Folders are the configured folders.
func (s *session) Folders() []string { return slices.Clone(s.source.Folders) }

// Close signs off when that is quick, and hangs up.
func (s *session) Close(ctx context.Context) error {
	defer s.abandon()
	if s.conn.Failure() != nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, farewellTimeout)
	defer cancel()
	if err := s.do(limited, "signing off", func() error { return s.client.Logout().Wait() }); err != nil {
		s.Log.Debug("sign-off failed", "mailbox", s.Name, "err", err)
	}
	return nil
}

// abandon hangs up and waits for the goroutines of this session.
func (s *session) abandon() {
	_ = s.conn.Close()
	_ = s.client.Close() // its error repeats that of the connection
}

func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
