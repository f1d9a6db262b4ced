package pop3_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"harvester/harvest"
	"harvester/harvest/auth"
	"harvester/harvest/harvesttest"
	"harvester/harvest/imap/imaptest"
	"harvester/harvest/pop3"
	"harvester/harvest/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(d *imaptest.Dovecot) pop3.Config {
	return pop3.Config{
		Name: "bounces", Server: d.POP3, TLS: wire.None, Timeout: 30 * time.Second,
		Auth: &auth.Password{Username: imaptest.Username, Secret: auth.Literal(imaptest.Password)},
	}
}

func TestContract(t *testing.T) {
	harvesttest.Run(t, func(t *testing.T) harvesttest.Mailbox {
		d := imaptest.Start(t, imaptest.Options{})
		return harvesttest.Mailbox{
			Source: func(batch int, most int64) harvest.Source {
				c := config(d)
				c.BatchMessages, c.MaxMessage = batch, most
				return pop3.New(c)
			},
			Folder: pop3.Folder, RepeatsMove: true, Can: []harvest.Disposition{harvest.Delete},
			Deliver: func(messages ...[]byte) { d.Deliver("INBOX", messages...) },
		}
	})
}

func TestTLSAndErrors(t *testing.T) {
	d := imaptest.Start(t, imaptest.Options{})
	for name, test := range map[string]struct {
		change func(*pop3.Config)
		kind   error
		text   string
	}{
		"implicit":     {func(c *pop3.Config) { c.Server, c.TLS = d.POP3S, wire.Implicit }, nil, ""},
		"stls":         {func(c *pop3.Config) { c.TLS = wire.StartTLS }, nil, ""},
		"tls to plain": {func(c *pop3.Config) { c.TLS = wire.Implicit }, harvest.ErrUnreachable, "port 995"},
		"stls to tls":  {func(c *pop3.Config) { c.Server, c.TLS, c.Timeout = d.POP3S, wire.StartTLS, time.Second }, harvest.ErrUnreachable, `tls = "implicit"`},
		"imap port":    {func(c *pop3.Config) { c.Server = d.IMAP }, harvest.ErrUnreachable, "no POP3 server"},
		"password": {func(c *pop3.Config) { c.Auth = &auth.Password{Username: "alice", Secret: auth.Literal("x")} },
			harvest.ErrAuth, "server said: -ERR [AUTH] Authentication failed."},
	} {
		t.Run(name, func(t *testing.T) {
			c := config(d)
			c.CAFile = d.CAFile
			test.change(&c)
			session, err := pop3.New(c).Open(t.Context())
			if err == nil {
				defer session.Close(t.Context())
			}
			if (err == nil) != (test.text == "") || err != nil && (!errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.text)) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Random cuts lose nothing and double nothing, and what isn't deleted by QUIT
// is still there.
func TestRandomCuts(t *testing.T) {
	d := imaptest.Start(t, imaptest.Options{})
	const messages = 60
	for n := range messages {
		d.Deliver("INBOX", harvesttest.Message(n))
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	random, cuts := rand.New(rand.NewPCG(seed, 1)), 25
	p := imaptest.NewProxy(t, d.POP3, 0, func() imaptest.Cut {
		mu.Lock()
		defer mu.Unlock()
		if cuts--; cuts < 0 {
			return imaptest.Cut{}
		}
		return imaptest.Cut{After: random.Int64N(20_000), How: imaptest.How(1 + random.IntN(imaptest.Ways))}
	})
	c := config(d)
	c.Server, c.Timeout, c.BatchMessages = p.Addr, 400*time.Millisecond, 7
	source := pop3.New(c)
	stored := map[string]string{}
	var todo []harvest.Settlement
	cur := harvest.Cursor{Folder: pop3.Folder}
	visit := func() bool {
		session, err := source.Open(context.Background())
		if err != nil {
			return false
		}
		defer session.Close(context.Background())
		settle := func() bool {
			done, err := session.Settle(context.Background(), pop3.Folder, todo)
			todo = todo[len(done):]
			return err == nil
		}
		if !settle() { // what the last visit left
			return false
		}
		for {
			batch, err := session.Next(context.Background(), cur)
			if err != nil {
				return false
			}
			cur = batch.Cursor
			if len(batch.Messages) == 0 {
				return true
			}
			for _, m := range batch.Messages {
				if stored[m.Name] != "" || m.Poison != nil {
					t.Fatalf("%s came twice, or poisoned: %v", m.Name, m.Poison)
				}
				stored[m.Name] = string(m.Raw)
				todo = append(todo, harvest.Settlement{Locator: m.Locator, Disposition: harvest.Delete})
			}
			if !settle() {
				return false
			}
		}
	}
	for n := 0; !visit() || len(todo) > 0; n++ {
		if n > 200 {
			t.Fatal("it never ends")
		}
	}
	if len(stored) != messages {
		t.Errorf("%d messages", len(stored))
	}
	session, err := pop3.New(config(d)).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(t.Context())
	if batch, err := session.Next(t.Context(), harvest.Cursor{Folder: pop3.Folder}); err != nil || len(batch.Messages) != 0 {
		t.Errorf("%d are left: %v", len(batch.Messages), err)
	}
}
