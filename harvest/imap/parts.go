package imap

import (
	"bytes"
	"context"
	"errors"
	"mime"
	"net"
	"net/mail"
	"sync/atomic"

	"github.com/emersion/go-imap/v2"

	"harvester/harvest"
)

// manyParts is from how many delimiter lines on a message is looked at.
const manyParts = 250

// cut says whether a message of very many parts lacks its end.
//
// QUIRK: Courier-IMAP 5.0.13 cuts BODY[] of a message with 300 parts or more
// after the 299th, and RFC822.SIZE agrees with what is left. RFC822 is whole.
func cut(b *body) bool {
	if b.size > int64(len(b.raw)) || bytes.Count(b.raw, []byte("\n--")) < manyParts {
		return false
	}
	m, err := mail.ReadMessage(bytes.NewReader(b.raw))
	if err != nil {
		return false
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	return err == nil && params["boundary"] != "" && !bytes.Contains(b.raw, []byte("\n--"+params["boundary"]+"--"))
}

// whole asks for RFC822 of a message that was cut, and returns what is longer.
// RFC822 sets \Seen: it is asked for while the folder is open for reading only.
func (s *session) whole(ctx context.Context, f *selected, uid imap.UID, short *body) (*body, error) {
	step := "reading a message of many parts in folder " + f.name
	if err := s.selectAgain(ctx, step, f, true); err != nil {
		return nil, err
	}
	s.alias.use(true)
	got, err := s.fetchSection(ctx, step, imap.UIDSetNum(uid), &imap.FetchItemBodySection{}, s.MaxMessage)
	s.alias.use(false)
	if err != nil && !refused(err) {
		return nil, err
	}
	if err := s.selectAgain(ctx, step, f, s.ReadOnly); err != nil {
		return nil, err
	}
	if b := got.bodies[uid]; b != nil && b.size > short.size {
		return b, nil
	}
	return short, nil
}

// selectAgain opens the folder that is open in another mode.
func (s *session) selectAgain(ctx context.Context, step string, f *selected, readOnly bool) error {
	if readOnly == s.ReadOnly && readOnly {
		return nil
	}
	var data *imap.SelectData
	err := s.do(ctx, step, func() (err error) {
		data, err = s.client.Select(f.name, &imap.SelectOptions{ReadOnly: readOnly}).Wait()
		return err
	})
	if err == nil && data.UIDValidity != f.uidValidity {
		s.folder = nil
		err = &harvest.Fault{Mailbox: s.Name, Step: step, Err: errors.New("the folder began anew meanwhile")}
	}
	return err
}

const (
	sectionName = "BODY[]"
	oldName     = "RFC822" // as long
)

// alias lets go-imap, which doesn't know RFC822, ask for it: what it calls
// BODY[] is RFC822 on the wire.
type alias struct {
	net.Conn
	on atomic.Bool
}

func (a *alias) use(on bool) { a.on.Store(on) }

func (a *alias) Write(p []byte) (int, error) {
	if a.on.Load() {
		p = bytes.Replace(p, []byte(sectionName), []byte(oldName), 1)
	}
	return a.Conn.Write(p)
}

// Read renames the item of the answer, once. A line that came in halves is read
// to its end first.
func (a *alias) Read(p []byte) (int, error) {
	n, err := a.Conn.Read(p)
	for err == nil && n > 0 && n < len(p) && p[n-1] != '\n' && a.on.Load() {
		var more int
		more, err = a.Conn.Read(p[n : n+1])
		n += more
	}
	if a.on.Load() {
		if at := bytes.Index(p[:n], []byte(oldName+" ")); at >= 0 {
			copy(p[at:], sectionName)
			a.on.Store(false)
		}
	}
	return n, err
}
