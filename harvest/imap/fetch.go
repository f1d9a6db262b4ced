package imap

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"harvester/harvest"
)

// wholeBody is BODY.PEEK[], which leaves \Seen alone. Nothing else is asked
// for: one malformed ENVELOPE, BODYSTRUCTURE or INTERNALDATE would cost the
// connection.
var wholeBody = &imap.FetchItemBodySection{Peek: true}

// body is what was received of one message.
type body struct {
	raw  []byte // the head, within the limit
	size int64
	hash [sha256.Size]byte
}

// fetched are the bodies of one FETCH.
type fetched struct {
	bodies map[imap.UID]*body
	over   map[imap.UID]bool // came, but found no room in the budget
}

// fetch reads bodies until the command has finished. A body within the budget
// is kept, at least one; the others are only drained. The error of a server
// that answers NO or BAD leaves the connection usable and what came before
// valid.
func (s *session) fetch(ctx context.Context, step string, set imap.NumSet, budget int64) (fetched, error) {
	return s.fetchSection(ctx, step, set, wholeBody, budget)
}

func (s *session) fetchSection(ctx context.Context, step string, set imap.NumSet, section *imap.FetchItemBodySection, budget int64) (fetched, error) {
	got := fetched{bodies: map[imap.UID]*body{}, over: map[imap.UID]bool{}}
	s.slipped.expect(min(budget, s.MaxMessage))
	err := s.do(ctx, step, func() error {
		command := s.client.Fetch(set, &imap.FetchOptions{
			UID: true, RFC822Size: true, BodySection: []*imap.FetchItemBodySection{section},
		})
		for message := command.Next(); message != nil; message = command.Next() {
			uid, b, err := s.receive(message, budget > 0 || len(got.bodies) == 0)
			if err != nil {
				// The command must not be touched again: go-imap would read
				// the connection from two goroutines.
				_ = s.conn.Close()
				return err
			}
			switch {
			case b == nil:
			case b.raw == nil:
				got.over[uid] = true
			default:
				budget -= int64(len(b.raw))
				got.bodies[uid] = b
			}
		}
		return command.Close()
	})
	for uid, b := range s.slipped.collect() {
		if got.bodies[uid] == nil {
			got.bodies[uid] = b
		}
	}
	return got, err
}

// receive reads one FETCH response. The body is nil if it had none.
func (s *session) receive(message *imapclient.FetchMessageData, keep bool) (imap.UID, *body, error) {
	var uid imap.UID
	var b *body
	for item := message.Next(); item != nil; item = message.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			uid = item.UID
		case imapclient.FetchItemDataBodySection:
			limit := s.MaxMessage
			if !keep {
				limit = -1
			}
			var err error
			if b, err = readBody(item.Literal, limit); err != nil {
				return 0, nil, err
			}
		}
	}
	return uid, b, nil
}

// readBody reads a literal to its end, keeps its first limit bytes and hashes
// all. With a negative limit it keeps nothing, not even an empty slice.
func readBody(literal imap.LiteralReader, limit int64) (*body, error) {
	if literal == nil { // NIL or an empty string
		return &body{raw: []byte{}, hash: sha256.Sum256(nil)}, nil
	}
	size := literal.Size()
	b := &body{size: size}
	hash := sha256.New()
	if limit >= 0 {
		b.raw = make([]byte, min(size, limit))
		if _, err := io.ReadFull(literal, b.raw); err != nil {
			return nil, lost(err)
		}
		hash.Write(b.raw)
	}
	n, err := drain(hash, literal, size-int64(len(b.raw)))
	if err != nil {
		return nil, lost(err)
	}
	// QUIRK: go-imap ends a literal with EOF when the connection ends.
	if n+int64(len(b.raw)) != size {
		return nil, errTruncated
	}
	hash.Sum(b.hash[:0])
	return b, nil
}

// drain reads to the end, of which so many bytes are left: for most messages
// none, and io.Copy would allocate a buffer for each.
func drain(w io.Writer, r io.Reader, left int64) (int64, error) {
	if left > 0 {
		return io.Copy(w, r)
	}
	var none [1]byte
	n, err := r.Read(none[:])
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return int64(n), err
}

func lost(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTruncated
	}
	return err
}

// suspicious says whether a body may stand for a message that was expunged
// while it was read.
//
// QUIRK: Dovecot sends an empty body for it.
func suspicious(b *body) bool { return b == nil || b.size == 0 || madeUp(b) }

// madeUp recognizes a mail that nobody sent.
//
// QUIRK: Courier 5.0.13 answers the FETCH of a message that was expunged
// meanwhile with one from System Administrator, "message unavailable".
func madeUp(b *body) bool {
	return b.size < 400 && bytes.Contains(b.raw, []byte("Subject: message unavailable")) && bytes.Contains(b.raw, []byte("System Administrator"))
}

// again asks once more for a message whose body didn't come, alone and by its
// sequence number.
//
// QUIRK: go-imap drops a body when the server gives the UID after it or not at
// all. A command with sequence numbers matches the response without the UID.
func (s *session) again(ctx context.Context, f *selected, uid imap.UID) (harvest.Message, error) {
	message := harvest.Message{Locator: s.locator(f, uid)}
	var found *imap.SearchData
	err := s.do(ctx, "searching folder "+f.name, func() (err error) {
		noop := s.client.Noop() // lets the server tell what is gone
		search := s.client.Search(&imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(uid)}}, nil)
		if err = noop.Wait(); err != nil {
			_, _ = search.Wait() // it failed with it
			return err
		}
		found, err = search.Wait()
		return err
	})
	if err != nil {
		return message, err
	}
	numbers, _ := found.All.(imap.SeqSet)
	if len(numbers) == 0 {
		message.Gone = true
		return message, nil
	}
	number := numbers[0].Start
	got, err := s.fetch(ctx, "reading a message of folder "+f.name, imap.SeqSetNum(number), s.MaxMessage)
	if err != nil && !refused(err) {
		return message, err
	}
	b := got.bodies[uid]
	if b == nil {
		b = got.bodies[0] // the server named no UID
	}
	if b == nil || madeUp(b) {
		message.Poison = cmpErr(err, errors.New("the server lists the message but delivers no body"))
		return message, nil
	}
	if cut(b) {
		if b, err = s.whole(ctx, f, uid, b); err != nil {
			return message, err
		}
	}
	s.fill(&message, b)
	return message, nil
}

func (s *session) locator(f *selected, uid imap.UID) harvest.Locator {
	return harvest.Locator{Mailbox: s.Name, Folder: f.name, UIDValidity: f.uidValidity, UID: uint32(uid)}
}

func (s *session) fill(m *harvest.Message, b *body) {
	m.Raw, m.Size, m.Hash = b.raw, b.size, b.hash
	m.Truncated = b.size > int64(len(b.raw))
	m.Received = harvest.ReceivedDate(b.raw)
}
