// Package memserver is an IMAP server in the process, with mail in memory. The
// demonstration and the tests read from it over a real connection.
package memserver

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// Server listens on loopback, without TLS, for one user.
type Server struct {
	Addr     string // host:port
	Username string
	Password string

	user   *imapmemserver.User
	server *imapserver.Server
	ended  chan struct{}
}

// Start starts a server with an empty INBOX. The caller closes it.
func Start(username, password string) (*Server, error) {
	user := imapmemserver.NewUser(username, password)
	if err := user.Create("INBOX", nil); err != nil {
		return nil, fmt.Errorf("making INBOX: %w", err)
	}
	mem := imapmemserver.New()
	mem.AddUser(user)
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening on loopback: %w", err)
	}
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return mem.NewSession(), nil, nil
		},
		Caps:         imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapUIDPlus: {}, imap.CapMove: {}},
		InsecureAuth: true,
		Logger:       log.New(io.Discard, "", 0),
	})
	s := &Server{
		Addr: listener.Addr().String(), Username: username, Password: password,
		user: user, server: server, ended: make(chan struct{}),
	}
	go func() {
		defer close(s.ended)
		_ = server.Serve(listener) // ends with Close
	}()
	return s, nil
}

// Create makes a folder.
func (s *Server) Create(folder string) error { return s.user.Create(folder, nil) }

// Append delivers a message into a folder.
func (s *Server) Append(folder string, raw []byte) error { return s.AppendAt(folder, raw, time.Time{}) }

// AppendAt delivers a message as if it had come in then; the zero time is now.
func (s *Server) AppendAt(folder string, raw []byte, received time.Time) error {
	_, err := s.user.Append(folder, literal{bytes.NewReader(raw)}, &imap.AppendOptions{Time: received})
	return err
}

// Close stops the server and hangs up on its clients.
func (s *Server) Close() error {
	err := s.server.Close()
	<-s.ended
	return err
}

type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }
