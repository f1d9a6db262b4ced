package compose

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"harvester/cmd/harvester/config"
)

// ErrInUse says that another process of this machine harvests a mailbox, into
// whatever database.
var ErrInUse = errors.New("another harvester reads this mailbox")

// claims are the right of this process to harvest mailboxes. Each is a socket
// in Linux's abstract namespace (unix(7)): no hardening of a service hides it
// as it hides files, and the kernel drops it with the process. Other machines,
// containers with a network of their own and other systems don't see it.
type claims []net.Listener

// askTime is how long who is refused waits to be told by whom.
const askTime = 10 * time.Second

// claim claims every mailbox for an owner, or none.
func claim(ctx context.Context, mailboxes []config.Mailbox, owner string, log *slog.Logger) (held claims, err error) {
	if runtime.GOOS != "linux" {
		return nil, nil
	}
	defer func() {
		if err != nil {
			held.release()
			held = nil
		}
	}()
	owner = fmt.Sprintf("%s (process %d)\n", owner, os.Getpid())
	for i := range mailboxes {
		for _, place := range places(&mailboxes[i]) {
			name := fmt.Sprintf("@harvester/%x", sha256.Sum256([]byte(place)))
			l, err := new(net.ListenConfig).Listen(ctx, "unix", name)
			if errors.Is(err, syscall.EADDRINUSE) {
				return held, fmt.Errorf("mailbox %s: %w: %s", mailboxes[i].Name, ErrInUse, holder(ctx, name))
			}
			if err != nil { // the database is guarded all the same
				log.Warn("the mailbox can't be guarded against another harvester", slog.String("mailbox", string(mailboxes[i].Name)), slog.Any("err", err))
				continue
			}
			held = append(held, l)
			go tell(l, owner)
		}
	}
	return held, nil
}

// places are where a mailbox's mail lies, a line for each folder.
func places(m *config.Mailbox) []string {
	folders := m.Folders
	if m.Type == config.POP3 {
		folders = []string{""}
	}
	place := m.Path
	if m.Type.OnServer() {
		place = strings.Join([]string{string(m.Type), strings.ToLower(string(m.Server)), m.Username}, "\x00")
	}
	var out []string
	for _, f := range folders {
		out = append(out, place+"\x00"+f)
	}
	return out
}

// tell says to everyone who asks who holds a claim, until it is released.
func tell(l net.Listener, owner string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = conn.SetWriteDeadline(time.Now().Add(askTime))
		_, _ = io.WriteString(conn, owner) // who doesn't listen need not know
		_ = conn.Close()
	}
}

// holder asks who holds a claim.
func holder(ctx context.Context, name string) string {
	const unknown = "its process does not answer"
	conn, err := (&net.Dialer{Timeout: askTime}).DialContext(ctx, "unix", name)
	if err != nil {
		return unknown
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(askTime))
	who, _ := io.ReadAll(io.LimitReader(conn, 256)) // what came is better than nothing
	return cmp.Or(strings.TrimSpace(string(who)), unknown)
}

func (c claims) release() {
	for _, l := range c {
		_ = l.Close() // nothing was promised to whoever asks now
	}
}
