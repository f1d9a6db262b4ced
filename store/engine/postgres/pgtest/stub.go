package pgtest

import (
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Stub is the URL of what answers as a server of a version, and lets in whom it
// gives no SQLSTATE; else it refuses with that. It answers nothing more.
func Stub(t testing.TB, version, state string) string {
	t.Helper()
	dir := listen(t, func(c net.Conn) {
		greet(pgproto3.NewBackend(c, c), version, state)
		_ = c.Close() // whoever asks more is told nothing
	}, func() {})
	return url(dir, "x")
}

func greet(b *pgproto3.Backend, version, state string) {
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return
	}
	if state != "" {
		b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: state, Message: "no"})
	} else {
		b.Send(&pgproto3.AuthenticationOk{})
		b.Send(&pgproto3.ParameterStatus{Name: "server_version", Value: version})
		b.Send(&pgproto3.ParameterStatus{Name: "server_encoding", Value: "UTF8"})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	}
	if b.Flush() == nil {
		_, _ = b.Receive() // until it goes
	}
}
