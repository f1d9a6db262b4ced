package pop3

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"harvester/harvest"
	"harvester/harvest/wire"
	"harvester/parse/count"
)

// session is one visit. Deleting takes a QUIT, so it may need more than one
// connection.
type session struct {
	*source
	harvest.Share
	end    *wire.Endpoint
	client *client // nil after a QUIT

	entries []entry        // by message number, once listed
	copies  map[string]int // how many have a UIDL
	stated  int            // messages by the word of STAT and LIST
	hashed  map[int]string // of those whose UIDL is doubled, by number
	tried   map[string]bool
}

// Folders is the one folder.
func (s *session) Folders() []string { return []string{Folder} }

// list connects if need be and asks for the UIDLs, once for each connection:
// the mailbox is locked, nothing arrives meanwhile.
func (s *session) list(ctx context.Context) error {
	if s.client == nil {
		c, err := s.signedIn(ctx, s.end)
		if err != nil {
			return err
		}
		s.client, s.copies = c, nil
	}
	if s.copies != nil {
		return nil
	}
	var uidls, sizes map[int]string
	err := s.client.do(ctx, "listing messages", func() (err error) {
		stat, err := s.client.command("STAT")
		if err != nil {
			return err
		}
		if _, err := fmt.Sscan(stat, &s.stated); err != nil {
			return fmt.Errorf("the server's answer to STAT is %.80q", stat)
		}
		if uidls, err = s.client.numbered("UIDL"); err != nil {
			return err
		}
		sizes, err = s.client.numbered("LIST")
		return err
	})
	var f *harvest.Fault
	var said *refusal
	if errors.As(err, &f) && errors.As(f.Err, &said) {
		f.Kind = harvest.ErrFolder
		f.Hint = "the server must know UIDL, or no message can be told from another"
		if passing(said.words) {
			f.Kind, f.Hint = nil, ""
		}
	}
	if err != nil {
		return err
	}
	s.stated = max(s.stated, len(sizes)) // by STAT or LIST, whichever knows more
	s.entries, s.copies, s.hashed = nil, map[string]int{}, map[int]string{}
	for n, uidl := range uidls {
		size, _ := strconv.ParseInt(sizes[n], 10, 64)
		s.entries = append(s.entries, entry{n, uidl, size})
		s.copies[uidl]++
	}
	slices.SortFunc(s.entries, func(a, b entry) int { return a.number - b.number })
	return nil
}

// Probe lists the folder.
func (s *session) Probe(ctx context.Context, folder string) (int, error) {
	if err := s.open(folder); err != nil {
		return 0, err
	}
	err := s.list(ctx)
	return len(s.entries), err
}

func (s *session) open(folder string) error {
	if folder == Folder {
		return nil
	}
	return &harvest.Fault{Mailbox: s.Name, Step: "opening folder " + folder, Kind: harvest.ErrFolder, Hint: "POP3 has only INBOX"}
}

// Next reads the next messages whose name the cursor's State doesn't hold.
func (s *session) Next(ctx context.Context, cur harvest.Cursor) (harvest.Batch, error) {
	if err := s.open(cur.Folder); err != nil {
		return harvest.Batch{}, err
	}
	if err := s.list(ctx); err != nil {
		return harvest.Batch{}, err
	}
	st := parseState(cur.State)
	here, err := s.named(ctx, &st)
	if err != nil {
		return harvest.Batch{}, err
	}
	st.only(here)
	batch, left := s.plan(here, &st)
	messages, err := s.retrieve(ctx, batch)
	if err != nil {
		return harvest.Batch{}, err
	}
	for i := range messages {
		m := &messages[i]
		m.Again = st.unread.Has(m.Name)
		s.tried[m.Name] = m.Poison != nil
		st.note(m)
	}
	cur.Mailbox, cur.State = s.Name, st.String()

	return harvest.Batch{Messages: messages, Cursor: cur, Left: left - len(batch)}, nil
}

// plan is what fits into the next batch, at least one message, and how many are
// to be read in all. What could not be read before is tried once in a visit.
func (s *session) plan(here []named, st *state) (batch []named, left int) {
	var bytes int64
	messages, most := s.Within(s.BatchMessages, s.BatchBytes)
	full := false
	planned := map[string]bool{}
	for _, n := range here {
		if st.read.Has(n.name) || s.tried[n.name] || planned[n.name] {
			continue
		}
		left++
		bytes += min(n.size, s.MaxMessage)
		if full = full || len(batch) > 0 && (len(batch) == messages || bytes > most); !full {
			batch = append(batch, n)
			planned[n.name] = true
		}
	}
	return batch, left
}

// retrieve reads messages; with PIPELINING (RFC 2449 §6.6) in one round trip.
func (s *session) retrieve(ctx context.Context, batch []named) ([]harvest.Message, error) {
	var messages []harvest.Message
	if len(batch) == 0 {
		return nil, nil
	}
	if !s.client.pipelining {
		for _, one := range batch {
			some, err := s.exchange(ctx, []named{one}, s.MaxMessage)
			if err != nil {
				return nil, err
			}
			messages = append(messages, some...)
		}
		return messages, nil
	}
	return s.exchange(ctx, batch, s.MaxMessage)
}

// exchange sends all RETR commands, then reads all answers.
func (s *session) exchange(ctx context.Context, batch []named, keep int64) ([]harvest.Message, error) {
	var commands strings.Builder
	for _, one := range batch {
		commands.WriteString("RETR " + strconv.Itoa(one.number) + "\r\n")
	}
	messages := make([]harvest.Message, 0, len(batch))
	err := s.client.do(ctx, "reading messages", func() error {
		if err := s.client.send(strings.TrimSuffix(commands.String(), "\r\n")); err != nil {
			return err
		}
		for _, one := range batch {
			m := harvest.Message{Locator: harvest.Locator{Mailbox: s.Name, Folder: Folder, Name: one.name}}
			_, err := s.client.status()
			var said *refusal
			switch {
			case errors.As(err, &said) && wire.BackoffTime(said.words) == 0:
				m.Poison = err // the connection lives, this message doesn't
			case err != nil:
				return err
			default:
				k := harvest.NewKeeper(keep)
				if err := s.client.body(k); err != nil {
					return err
				}
				k.Fill(&m)
			}
			messages = append(messages, m)
		}
		return nil
	})
	return messages, err
}

// Settle deletes messages. That is done when the server has answered QUIT
// (RFC 1939 §6); if the connection breaks before, it keeps all of them.
func (s *session) Settle(ctx context.Context, folder string, todo []harvest.Settlement) (done []harvest.Settlement, err error) {
	var marked []harvest.Settlement
	for _, t := range todo {
		switch t.Disposition {
		case harvest.Keep:
			done = append(done, t)
		case harvest.Delete:
			marked = append(marked, t)
		default:
			return done, &harvest.Fault{Mailbox: s.Name, Step: "settling messages", Kind: harvest.ErrFolder,
				Err: errors.New("POP3 can't do " + t.Disposition.String()), Hint: `done = "keep" or "delete"`}
		}
	}
	if len(marked) == 0 {
		return done, nil
	}
	if err := s.delete(ctx, marked); err != nil {
		return done, err
	}
	return s.verify(ctx, done, marked)
}

// verify adds to done what is no longer there of what was to be deleted. A
// server that doesn't let us in again at once is believed.
func (s *session) verify(ctx context.Context, done, marked []harvest.Settlement) ([]harvest.Settlement, error) {
	if err := s.list(ctx); err != nil {
		return append(done, marked...), nil //nolint:nilerr // the next visit says it
	}
	left := 0
	for _, t := range marked {
		still, err := s.numbersOf(ctx, t.Name)
		if err != nil {
			return done, err
		}
		if len(still) > 0 {
			left++
			continue
		}
		done = append(done, t)
	}
	if left > 0 {
		return done, &harvest.Fault{Mailbox: s.Name, Step: "deleting messages", Kind: harvest.ErrUndone,
			Err: fmt.Errorf("the server said OK and kept %s", count.Of(left, "message")), Hint: `it is tried again with each run; done = "keep" does without`}
	}
	return done, nil
}

func (s *session) delete(ctx context.Context, marked []harvest.Settlement) error {
	if err := s.list(ctx); err != nil {
		return err
	}
	var numbers []int
	for _, t := range marked { // what is not there was deleted before a crash
		some, err := s.numbersOf(ctx, t.Name)
		if err != nil {
			return err
		}
		numbers = append(numbers, some...)
	}
	slices.Sort(numbers)
	c := s.client
	err := c.do(ctx, "deleting messages", func() error {
		for _, n := range slices.Compact(numbers) { // it may be named twice
			if _, err := c.command("DELE " + strconv.Itoa(n)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		_ = c.conn.Close() // without QUIT nothing is deleted
		s.client = nil
		return err
	}
	return s.quit(ctx)
}

func (s *session) quit(ctx context.Context) error {
	c := s.client
	s.client = nil
	defer c.conn.Close()
	return c.do(ctx, "signing off", func() error {
		_, err := c.command("QUIT")
		return err
	})
}

// farewellTimeout bounds the QUIT on which nothing depends.
const farewellTimeout = 5 * time.Second

// Close signs off.
func (s *session) Close(ctx context.Context) error {
	if s.client == nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, farewellTimeout)
	defer cancel()
	if s.client.conn.Failure() != nil {
		_ = s.client.conn.Close()
		return nil
	}
	_ = s.quit(limited) // nothing was marked
	return nil
}
