// Package harvesttest is what every source has to hold, as one suite of tests.
package harvesttest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"harvester/harvest"
)

// Mailbox is a source under test, empty at first.
type Mailbox struct {
	// Source returns the source with the given limits.
	Source func(batchMessages int, maxMessage int64) harvest.Source
	Folder string
	// Deliver appends messages in order.
	Deliver func(messages ...[]byte)
	// Can are the dispositions besides Keep that the source knows.
	Can []harvest.Disposition
	// Target is a folder for Move that doesn't exist yet.
	Target string
	// RepeatsMove is false where a test server can't move what is gone.
	RepeatsMove bool
}

// Message makes a small mail with a number in it.
func Message(n int) []byte {
	return fmt.Appendf(nil, "Received: from a.example by b.example; Tue, 3 Nov 2026 10:00:00 +0000\r\n"+
		"Message-ID: <%d@example.org>\r\nSubject: message %d\r\n\r\n%s\r\n.\r\n..dots\r\n", n, n, strings.Repeat("x", 10*n))
}

func messages(from, to int) [][]byte {
	var all [][]byte
	for n := from; n < to; n++ {
		all = append(all, Message(n))
	}
	return all
}

// Run runs the suite; fresh makes an empty mailbox for each test.
func Run(t *testing.T, fresh func(t *testing.T) Mailbox) {
	for name, test := range map[string]func(*testing.T, Mailbox){
		"reads each message once":       readsOnce,
		"resumes in another session":    resumes,
		"repeats what wasn't committed": repeats,
		"keeps heads, hashes all":       keepsHeads,
		"keeps its batches small":       spares,
		"an empty mailbox":              empty,
		"settling":                      settles,
		"heeds its context":             cancels,
		"no such folder":                noFolder,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t)) })
	}
}

func open(t *testing.T, s harvest.Source) harvest.Session {
	t.Helper()
	session, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func closing(t *testing.T, session harvest.Session) {
	t.Helper()
	if err := session.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// drain reads to the end and checks each batch's form.
func drain(t *testing.T, session harvest.Session, cur harvest.Cursor, most int) ([]harvest.Message, harvest.Cursor) {
	t.Helper()
	var all []harvest.Message
	for {
		batch, err := session.Next(t.Context(), cur)
		if err != nil {
			t.Fatal(err)
		}
		if batch.Cursor.Folder != cur.Folder || batch.Cursor.Mailbox != "bounces" {
			t.Fatalf("cursor %+v", batch.Cursor)
		}
		cur = batch.Cursor
		if len(batch.Messages) == 0 {
			return all, cur
		}
		if len(batch.Messages) > most {
			t.Errorf("a batch of %d", len(batch.Messages))
		}
		all = append(all, batch.Messages...)
	}
}

// check holds messages against those delivered with numbers from first.
func check(t *testing.T, got []harvest.Message, first, n int) {
	t.Helper()
	if len(got) != n {
		t.Errorf("%d messages, want %d", len(got), n)
	}
	known := map[harvest.Locator]bool{}
	for i, m := range got {
		want := Message(first + i)
		// Formats differ in line ends only.
		if same := strings.ReplaceAll(string(m.Raw), "\r\n", "\n") == strings.ReplaceAll(string(want), "\r\n", "\n"); !same {
			t.Errorf("message %d: %q", i, m.Raw)
		}
		if m.Hash != sha256.Sum256(m.Raw) || m.Size != int64(len(m.Raw)) || m.Truncated || m.Gone || m.Poison != nil || m.Received.IsZero() {
			t.Errorf("message %d: size %d, truncated %v, gone %v, poison %v, received %v", i, m.Size, m.Truncated, m.Gone, m.Poison, m.Received)
		}
		if m.Mailbox != "bounces" || known[m.Locator] {
			t.Errorf("message %d: locator %v", i, m.Locator)
		}
		known[m.Locator] = true
	}
}

func readsOnce(t *testing.T, b Mailbox) {
	b.Deliver(messages(0, 23)...)
	session := open(t, b.Source(5, 1<<20))
	defer closing(t, session)
	if folders := session.Folders(); len(folders) != 1 || folders[0] != b.Folder {
		t.Errorf("folders %v", folders)
	}
	got, _ := drain(t, session, harvest.Cursor{Folder: b.Folder}, 5)
	check(t, got, 0, 23)
}

func spares(t *testing.T, b Mailbox) {
	b.Deliver(messages(0, 9)...)
	session := open(t, b.Source(5, 1<<20))
	defer closing(t, session)
	s, ok := session.(harvest.Sparing)
	if !ok {
		t.Fatal("it can't")
	}
	var all []harvest.Message
	cur := harvest.Cursor{Folder: b.Folder}
	for _, step := range []struct {
		bytes int64
		want  int
	}{{3 * harvest.Overhead, 3}, {1, 1}, {1 << 30, 5}} {
		s.Spare(step.bytes)
		batch, err := session.Next(t.Context(), cur)
		if err != nil || len(batch.Messages) != step.want {
			t.Fatalf("within %d bytes: %d messages, want %d (%v)", step.bytes, len(batch.Messages), step.want, err)
		}
		cur = batch.Cursor
		all = append(all, batch.Messages...)
	}
	check(t, all, 0, 9)
}

func resumes(t *testing.T, b Mailbox) {
	b.Deliver(messages(0, 7)...)
	source := b.Source(5, 1<<20)
	cur := harvest.Cursor{Folder: b.Folder}
	for _, step := range []struct{ from, n int }{{0, 7}, {7, 0}, {7, 6}, {13, 1}} {
		if step.from > 0 {
			b.Deliver(messages(step.from, step.from+step.n)...)
		}
		session := open(t, source)
		var got []harvest.Message
		got, cur = drain(t, session, cur, 5)
		check(t, got, step.from, step.n)
		closing(t, session)
	}
}

func repeats(t *testing.T, b Mailbox) {
	b.Deliver(messages(0, 12)...)
	session := open(t, b.Source(5, 1<<20))
	defer closing(t, session)
	start := harvest.Cursor{Folder: b.Folder}
	first, err := session.Next(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Next(t.Context(), first.Cursor); err != nil {
		t.Fatal(err)
	}
	// Neither was committed; the first cursor gives the first batch again.
	again, _ := drain(t, session, start, 5)
	check(t, again, 0, 12)
	if again[0].Locator != first.Messages[0].Locator {
		t.Errorf("%v became %v", first.Messages[0].Locator, again[0].Locator)
	}
}

func keepsHeads(t *testing.T, b Mailbox) {
	large := append(Message(1), strings.Repeat("large\r\n", 20_000)...)
	b.Deliver(large)
	whole := open(t, b.Source(5, 1<<20))
	all, _ := drain(t, whole, harvest.Cursor{Folder: b.Folder}, 5)
	closing(t, whole)
	cut := open(t, b.Source(5, 1000))
	heads, _ := drain(t, cut, harvest.Cursor{Folder: b.Folder}, 5)
	closing(t, cut)
	if len(all) != 1 || len(heads) != 1 {
		t.Fatalf("%d and %d messages", len(all), len(heads))
	}
	a, h := all[0], heads[0]
	if a.Truncated || !h.Truncated || h.Hash != a.Hash || h.Size != a.Size || string(h.Raw) != string(a.Raw[:1000]) {
		t.Errorf("whole: %d bytes; head: %d of %d, truncated %v, same hash %v", len(a.Raw), len(h.Raw), h.Size, h.Truncated, h.Hash == a.Hash)
	}
}

func empty(t *testing.T, b Mailbox) {
	session := open(t, b.Source(5, 1<<20))
	defer closing(t, session)
	got, cur := drain(t, session, harvest.Cursor{Folder: b.Folder}, 5)
	check(t, got, 0, 0)
	if _, again := drain(t, session, cur, 5); again != cur {
		t.Errorf("the cursor moved from %+v to %+v", cur, again)
	}
}

func settles(t *testing.T, b Mailbox) {
	b.Deliver(messages(0, 8)...)
	source := b.Source(5, 1<<20)
	session := open(t, source)
	got, cur := drain(t, session, harvest.Cursor{Folder: b.Folder}, 5)
	check(t, got, 0, 8)
	todo := []harvest.Settlement{{Locator: got[0].Locator}}
	left := 8
	for i, disposition := range b.Can {
		todo = append(todo, harvest.Settlement{Locator: got[i+1].Locator, Disposition: disposition, Target: b.Target})
		if disposition != harvest.Seen {
			left--
		}
	}
	done, err := session.Settle(t.Context(), b.Folder, todo)
	if err != nil || len(done) != len(todo) {
		t.Fatalf("%d of %d settled: %v", len(done), len(todo), err)
	}
	closing(t, session)

	session = open(t, source)
	defer closing(t, session)
	if b.RepeatsMove { // as after a crash before the store heard of it
		if done, err = session.Settle(t.Context(), b.Folder, todo); err != nil || len(done) != len(todo) {
			t.Fatalf("once more, %d of %d settled: %v", len(done), len(todo), err)
		}
	}
	if news, _ := drain(t, session, cur, 5); len(news) != 0 {
		t.Errorf("settling made %d messages new", len(news))
	}
	if rest, _ := drain(t, session, harvest.Cursor{Folder: b.Folder}, 5); len(rest) != left {
		t.Errorf("%d messages are left, want %d", len(rest), left)
	}
	for _, d := range []harvest.Disposition{harvest.Seen, harvest.Move, harvest.Delete} {
		if contains(b.Can, d) {
			continue
		}
		done, err := session.Settle(t.Context(), b.Folder, []harvest.Settlement{{Locator: got[0].Locator, Disposition: d, Target: b.Target}})
		if !errors.Is(err, harvest.ErrFolder) || len(done) != 0 {
			t.Errorf("%v: %d settled, %v", d, len(done), err)
		}
	}
}

func contains(all []harvest.Disposition, d harvest.Disposition) bool {
	for _, one := range all {
		if one == d {
			return true
		}
	}
	return false
}

func cancels(t *testing.T, b Mailbox) {
	b.Deliver(messages(0, 3)...)
	ctx, cancel := context.WithCancel(t.Context())
	source := b.Source(5, 1<<20)
	session := open(t, source)
	cancel()
	if _, err := session.Next(ctx, harvest.Cursor{Folder: b.Folder}); !errors.Is(err, context.Canceled) {
		t.Errorf("Next: %v", err)
	}
	_ = session.Close(ctx) // its error, if any, is that of the context
	if _, err := source.Open(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: %v", err)
	}
}

func noFolder(t *testing.T, b Mailbox) {
	session := open(t, b.Source(5, 1<<20))
	defer func() { closing(t, session) }()
	if _, err := session.Next(t.Context(), harvest.Cursor{Folder: "Nowhere"}); !errors.Is(err, harvest.ErrFolder) {
		t.Error(err)
	}
	prober, ok := session.(harvest.Prober)
	if !ok {
		return
	}
	if _, err := prober.Probe(t.Context(), "Nowhere"); !errors.Is(err, harvest.ErrFolder) {
		t.Error(err)
	}
	b.Deliver(messages(0, 3)...)
	closing(t, session)
	session = open(t, b.Source(5, 1<<20)) // POP3 shows a mailbox as it was at sign-in
	if n, err := session.(harvest.Prober).Probe(t.Context(), b.Folder); n != 3 || err != nil {
		t.Errorf("%d messages: %v", n, err)
	}
}
