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
	"path/filepath"
	"runtime"
	"slices"
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
//
// Whoever runs on the machine can bind such a name, so a claim counts only when
// its holder is somebody who may harvest into this database: this user, root, or
// the owner of the file. Somebody else's stands in one of several names for the
// same mailbox, and the next is taken.
type claims []net.Listener

const (
	// askTime is how long who is refused waits to be told by whom.
	askTime = 10 * time.Second
	// namesEach is how many names there are for each folder. The owner of all
	// of them can do away with the guard, never with the harvest.
	namesEach = 4
)

// claim claims every mailbox for an owner, or none. database is the file that
// the harvest goes into.
func claim(ctx context.Context, database string, mailboxes []config.Mailbox, owner string, log *slog.Logger) (held claims, err error) {
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
	may := harvesters(database)
	for i := range mailboxes {
		for _, place := range places(&mailboxes[i]) {
			l, by, err := claimPlace(ctx, fmt.Sprintf("@harvester/%x", sha256.Sum256([]byte(place))), may)
			if l != nil {
				held = append(held, l)
				go answerClaims(l, owner)
			}
			if err != nil {
				return held, err
			}
			if by != "" {
				return held, fmt.Errorf("mailbox %s: %w: %s", mailboxes[i].Name, ErrInUse, by)
			}
			if l == nil { // the database is guarded all the same
				log.Warn("the mailbox can't be guarded against another harvester", slog.String("mailbox", string(mailboxes[i].Name)))
			}
		}
	}
	return held, nil
}

// claimPlace takes the first name of a place that is free, unless somebody who
// may harvest has any of them; it returns who that is. Neither listener nor
// holder: others have all the names.
func claimPlace(ctx context.Context, name string, may []uint32) (l net.Listener, by string, err error) {
	for n := range namesEach {
		candidate := name
		if n > 0 {
			candidate = fmt.Sprintf("%s/%d", name, n)
		}
		if l == nil {
			got, err := new(net.ListenConfig).Listen(ctx, "unix", candidate)
			if err == nil {
				l = got
				continue
			}
			if !errors.Is(err, syscall.EADDRINUSE) {
				return nil, "", ctx.Err() // no such sockets here
			}
		}
		if by := holder(ctx, candidate, may); by != "" {
			return l, by, nil
		}
	}
	return l, "", ctx.Err()
}

// harvesters are the users whose claims count, by number.
func harvesters(database string) []uint32 {
	users := []uint32{0, uint32(os.Geteuid())} //nolint:gosec // no negative number where there are such sockets
	if info, err := os.Stat(database); err == nil {
		if owner, ok := ownerOf(info); ok {
			users = append(users, owner)
		}
	}
	return users
}

// places are where a mailbox's mail lies, a line for each folder: the same for all
// who read it, wherever they were started and by which link they name it.
func places(m *config.Mailbox) []string {
	folders := m.Folders
	if m.Type == config.POP3 {
		folders = []string{""}
	}
	place := m.Path
	if abs, err := filepath.Abs(place); err == nil {
		place = abs
	}
	if resolved, err := filepath.EvalSymlinks(place); err == nil {
		place = resolved
	}
	if m.Type.OnServer() {
		place = strings.Join([]string{string(m.Type), strings.ToLower(string(m.Server)), m.Username}, "\x00")
	}
	var out []string
	for _, f := range folders {
		out = append(out, place+"\x00"+f)
	}
	return out
}

// answerClaims says to everyone who asks who holds a claim, until it is released.
func answerClaims(l net.Listener, owner string) {
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

// holder asks who holds a name; "" when nobody does whose claim counts.
func holder(ctx context.Context, name string, may []uint32) string {
	const unknown = "its process does not answer"
	conn, err := (&net.Dialer{Timeout: askTime}).DialContext(ctx, "unix", name)
	if err != nil {
		return ""
	}
	defer conn.Close()
	if user, ok := peer(conn); !ok || !slices.Contains(may, user) {
		return ""
	}
	_ = conn.SetReadDeadline(time.Now().Add(askTime))
	who, _ := io.ReadAll(io.LimitReader(conn, 256)) // what came is better than nothing
	return cmp.Or(strings.TrimSpace(string(who)), unknown)
}

func (c claims) release() {
	for _, l := range c {
		_ = l.Close() // nothing was promised to whoever asks now
	}
}
