package pop3

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"harvester/harvest"
	"harvester/harvest/names"
	"harvester/harvest/wire"
)

// session is one visit. Deleting takes a QUIT, so it may need more than one
// connection.
type session struct {
	*source
	harvest.Share
	end    *wire.Endpoint
	client *client // nil after a QUIT

	order  []string       // UIDLs in the order of message numbers, once listed
	number map[string]int // message numbers by UIDL
	size   map[string]int64
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
		s.client, s.number = c, nil
	}
	if s.number != nil {
		return nil
	}
	var uidls, sizes map[int]string
	err := s.client.do(ctx, "listing messages", func() (err error) {
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
	}
	if err != nil {
		return err
	}
	numbers := make([]int, 0, len(uidls))
	for n := range uidls {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	s.number, s.size, s.order = map[string]int{}, map[string]int64{}, nil
	for _, n := range numbers {
		uidl := uidls[n]
		if _, twice := s.number[uidl]; twice {
			// QUIRK: some servers give equal messages one UIDL (RFC 1939 §7
			// allows it); the copies come when the first is gone.
			continue
		}
		s.number[uidl] = n
		s.size[uidl], _ = strconv.ParseInt(sizes[n], 10, 64)
		s.order = append(s.order, uidl)
	}
	return nil
}

// Probe lists the folder.
func (s *session) Probe(ctx context.Context, folder string) (int, error) {
	if err := s.open(folder); err != nil {
		return 0, err
	}
	err := s.list(ctx)
	return len(s.order), err
}

func (s *session) open(folder string) error {
	if folder == Folder {
		return nil
	}
	return &harvest.Fault{Mailbox: s.Name, Step: "opening folder " + folder, Kind: harvest.ErrFolder, Hint: "POP3 has only INBOX"}
}

// Next reads the next messages whose UIDL the cursor's State doesn't hold.
func (s *session) Next(ctx context.Context, cur harvest.Cursor) (harvest.Batch, error) {
	if err := s.open(cur.Folder); err != nil {
		return harvest.Batch{}, err
	}
	if err := s.list(ctx); err != nil {
		return harvest.Batch{}, err
	}
	seen := names.Parse(cur.State)
	seen.Only(s.order)
	messages, err := s.retrieve(ctx, s.plan(seen))
	if err != nil {
		return harvest.Batch{}, err
	}
	for _, m := range messages {
		seen.Add(m.Name)
	}
	cur.Mailbox, cur.State = s.Name, seen.String()
	return harvest.Batch{Messages: messages, Cursor: cur}, nil
}

// plan is what fits into the next batch, at least one message.
func (s *session) plan(seen *names.Set) []string {
	var batch []string
	var bytes int64
	messages, most := s.Within(s.BatchMessages, s.BatchBytes)
	for _, uidl := range s.order {
		if seen.Has(uidl) {
			continue
		}
		bytes += min(s.size[uidl], s.MaxMessage)
		if len(batch) > 0 && (len(batch) == messages || bytes > most) {
			break
		}
		batch = append(batch, uidl)
	}
	return batch
}

// retrieve reads messages; with PIPELINING (RFC 2449 §6.6) in one round trip.
func (s *session) retrieve(ctx context.Context, uidls []string) ([]harvest.Message, error) {
	var messages []harvest.Message
	if len(uidls) == 0 {
		return nil, nil
	}
	if !s.client.pipelining {
		for _, uidl := range uidls {
			some, err := s.exchange(ctx, []string{uidl})
			if err != nil {
				return nil, err
			}
			messages = append(messages, some...)
		}
		return messages, nil
	}
	return s.exchange(ctx, uidls)
}

// exchange sends all RETR commands, then reads all answers.
func (s *session) exchange(ctx context.Context, uidls []string) ([]harvest.Message, error) {
	var commands strings.Builder
	for _, uidl := range uidls {
		commands.WriteString("RETR " + strconv.Itoa(s.number[uidl]) + "\r\n")
	}
	messages := make([]harvest.Message, 0, len(uidls))
	err := s.client.do(ctx, "reading messages", func() error {
		if err := s.client.send(strings.TrimSuffix(commands.String(), "\r\n")); err != nil {
			return err
		}
		for _, uidl := range uidls {
			m := harvest.Message{Locator: harvest.Locator{Mailbox: s.Name, Folder: Folder, Name: uidl}}
			_, err := s.client.status()
			var said *refusal
			switch {
			case errors.As(err, &said) && wire.BackoffTime(said.words) == 0:
				m.Poison = err // the connection lives, this message doesn't
			case err != nil:
				return err
			default:
				k := harvest.NewKeeper(s.MaxMessage)
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
	return append(done, marked...), nil
}

func (s *session) delete(ctx context.Context, marked []harvest.Settlement) error {
	if err := s.list(ctx); err != nil {
		return err
	}
	c := s.client
	err := c.do(ctx, "deleting messages", func() error {
		for _, t := range marked {
			n, here := s.number[t.Name]
			if !here {
				continue // deleted before a crash
			}
			if _, err := c.command("DELE " + strconv.Itoa(n)); err != nil {
				return err
			}
			delete(s.number, t.Name) // it may be named twice
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
