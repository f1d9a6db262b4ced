// Package mta answers mail servers that ask about each recipient before they
// take a mail: Postfix's policy service (SMTPD_POLICY_README), its socketmap
// and tcp lookup tables (socketmap_table(5), tcp_table(5)), and whatever else
// speaks one of them (sendmail's socket map is the second). One address serves
// all three: the first bytes of a connection tell which it is.
//
// Nothing here may stop mail. Whatever is in doubt (no address, a slow or
// broken database, a request that nobody understands) is answered as "nothing
// known", never as a failure, which a mail server would take for a reason to
// defer every mail.
package mta

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"harvester/store/policy"
	"harvester/store/query"
)

const (
	maxClients = 500              // connections at a time; of more the one leaves that had no answer for the longest time
	maxRequest = 32 << 10         // bytes of one request
	idleTime   = 10 * time.Minute // Postfix keeps a connection for five
	answerTime = 5 * time.Second  // to take an answer
	lookTime   = 2 * time.Second  // to look up; then nothing is known
)

// Looker knows the list. *store.DB is one.
type Looker interface {
	// Remembered answers at once, where that can be told without the database.
	Remembered(address, stream string) (v query.Verdict, ok bool)
	LookupAll(ctx context.Context, addresses []string, stream string) ([]query.Verdict, error)
}

// Options say what is asked, and for which mail.
type Options struct {
	List   Looker
	Stream string // as for LookupAll: "" takes what holds for any mail
	Log    *slog.Logger

	clients int // at a time; 0: maxClients
}

// Serve answers on l until ctx ends.
func Serve(ctx context.Context, l net.Listener, o Options) error {
	var clients sync.WaitGroup
	defer clients.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	here := &room{most: cmp.Or(o.clients, maxClients), since: map[net.Conn]time.Time{}}
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			var passing net.Error
			if errors.As(err, &passing) && !errors.Is(err, net.ErrClosed) {
				o.Log.Warn("taking a connection failed", slog.Any("err", err)) // out of descriptors: others end
				time.Sleep(100 * time.Millisecond)
				continue
			}
			return fmt.Errorf("serving mail servers on %s: %w", l.Addr(), err)
		}
		here.enter(conn)
		clients.Go(func() {
			defer here.leave(conn)
			c := &client{Options: o, room: here, conn: conn, in: bufio.NewReaderSize(conn, maxRequest), asked: make(chan string), told: make(chan query.Verdict, 1)}
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			c.serve(ctx)
			_ = conn.Close() // all was said
		})
	}
}

// client is one connection.
type client struct {
	Options
	room *room
	conn net.Conn
	in   *bufio.Reader
	out  []byte // the answer

	asked chan string // to the goroutine that looks up
	told  chan query.Verdict
	late  bool // it has not answered the last question
}

func (c *client) serve(ctx context.Context) {
	var looking sync.WaitGroup
	defer looking.Wait()
	defer close(c.asked)
	looking.Go(func() {
		for address := range c.asked {
			c.told <- c.lookUp(ctx, address)
		}
	})
	for {
		if err := c.conn.SetDeadline(time.Now().Add(idleTime)); err != nil {
			return
		}
		c.out = c.out[:0]
		if err := c.answer(); err != nil {
			c.Log.Debug("a mail server's connection ends", slog.Any("err", err))
			return
		}
		if err := c.conn.SetWriteDeadline(time.Now().Add(answerTime)); err != nil {
			return
		}
		if _, err := c.conn.Write(c.out); err != nil {
			return
		}
		c.room.answered(c.conn)
	}
}

// room holds so many connections. Somebody who opens more, and asks nothing or
// never ends a question, must not keep a mail server out.
type room struct {
	most  int
	mu    sync.Mutex
	since map[net.Conn]time.Time // when they came, or got their last answer
}

// enter takes in a connection, and closes another when the room is full. A mail
// server opens one anew for its next question.
func (r *room) enter(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.since) >= r.most {
		longest := conn
		for c, since := range r.since {
			if longest == conn || since.Before(r.since[longest]) {
				longest = c
			}
		}
		delete(r.since, longest)
		_ = longest.Close()
	}
	r.since[conn] = time.Now()
}

func (r *room) answered(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, here := r.since[conn]; here {
		r.since[conn] = time.Now()
	}
}

func (r *room) leave(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.since, conn)
}

// answer reads a request in the protocol that its first bytes are of, and puts
// the answer into c.out.
func (c *client) answer() error {
	head, err := c.in.Peek(1)
	if err != nil {
		return err
	}
	switch head[0] {
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return c.socketmap()
	case 'g', 'p': // a name of the policy protocol may begin so, too
		if head, err = c.in.Peek(4); err != nil {
			return err
		}
		if string(head) == "get " || string(head) == "put " {
			return c.tcpTable()
		}
	}
	return c.policy()
}

// lookUp asks the list; an error is logged and says nothing.
func (c *client) lookUp(ctx context.Context, address string) query.Verdict {
	found, err := c.List.LookupAll(ctx, []string{address}, c.Stream)
	if err != nil {
		c.Log.Warn("a mail server's question was not answered: mail goes on", slog.Any("err", err))
		return query.Verdict{}
	}
	return found[0]
}

// why is the reason why a recipient must not be mailed, "" when nothing is known.
func (c *client) why(recipient string) string {
	address := quoted(recipient)
	if !policy.IsAddress(address) {
		return "" // a domain or a part of an address, which tables are asked for too
	}
	if v, ok := c.List.Remembered(address, c.Stream); ok {
		return reason(&v)
	}
	if c.late {
		select {
		case <-c.told:
			c.late = false
		default:
			return ""
		}
	}
	c.asked <- address
	timer := time.NewTimer(lookTime)
	defer timer.Stop()
	select {
	case v := <-c.told:
		return reason(&v)
	case <-timer.C:
		c.late = true
		c.Log.Warn("a mail server's question was not answered in time: mail goes on")
	}
	return ""
}

func reason(v *query.Verdict) string {
	if !v.Suppressed {
		return ""
	}
	return v.Entries[0].Reason
}

// quoted gives a local part the quotes back that mail servers take off before
// they ask.
func quoted(recipient string) string {
	at := strings.LastIndexByte(recipient, '@')
	if at < 1 || recipient[0] == '"' || !strings.ContainsAny(recipient[:at], " \t()<>[]:;@\\,\"") {
		return recipient
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(recipient[:at]) + `"` + recipient[at:]
}
