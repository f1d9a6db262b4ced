package pop3

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"harvester/harvest"
	"harvester/harvest/names"
	"harvester/parse/count"
)

// entry is one message as the server lists it.
type entry struct {
	number int
	uidl   string
	size   int64
}

// named is a message by a name that is its own: the UIDL where the server keeps
// to RFC 1939 §7, and more where it doesn't. A UIDL has no blank.
//
// QUIRK: popa3d 1.0.3 and solid-pop3d 0.15 make the UIDL of fields of the
// header, so that different messages have the same one. There the content tells
// them apart, "UIDL sha256=…"; and once that was seen of a mailbox, the size is
// part of every name, "UIDL size=…", lest a message that comes when another was
// deleted pass for it.
type named struct {
	entry
	name string
}

const (
	byHash = " sha256="
	bySize = " size="
)

// named names what is listed. Those whose UIDL is doubled are read for it.
func (s *session) named(ctx context.Context, st *state) ([]named, error) {
	for _, e := range s.entries {
		if s.copies[e.uidl] > 1 {
			st.doubled = true
			break
		}
	}
	here := make([]named, 0, len(s.entries))
	for _, e := range s.entries {
		n := named{e, e.uidl}
		switch {
		case s.copies[e.uidl] > 1:
			sum, err := s.hash(ctx, e)
			if err != nil {
				return nil, err
			}
			n.name += byHash + sum
		case st.doubled:
			n.name += fmt.Sprint(bySize, e.size)
		}
		here = append(here, n)
	}
	return here, nil
}

// hash reads a message for what its content is, once for each connection. What
// can't be read is told by its number for now.
func (s *session) hash(ctx context.Context, e entry) (string, error) {
	if sum, known := s.hashed[e.number]; known {
		return sum, nil
	}
	messages, err := s.exchange(ctx, []named{{e, e.uidl}}, 0)
	if err != nil {
		return "", err
	}
	sum := fmt.Sprint("unreadable-", e.number)
	if messages[0].Poison == nil {
		sum = hex.EncodeToString(messages[0].Hash[:8])
	}
	s.hashed[e.number] = sum
	return sum, nil
}

// numbersOf are the messages that a stored name stands for now: none when they
// are gone, more than one when their content is the same.
func (s *session) numbersOf(ctx context.Context, name string) (numbers []int, err error) {
	uidl, how, told := strings.Cut(name, " ")
	for _, e := range s.entries {
		is := e.uidl == uidl
		switch {
		case !is:
		case !told:
			is = s.copies[uidl] == 1
		case strings.HasPrefix(" "+how, bySize):
			is = name == uidl+fmt.Sprint(bySize, e.size)
		default:
			sum, err := s.hash(ctx, e)
			if err != nil {
				return nil, err
			}
			is = name == uidl+byHash+sum
		}
		if is {
			numbers = append(numbers, e.number)
		}
	}
	return numbers, nil
}

// state is what a cursor says: the names of what was read, and of what could
// not be.
type state struct {
	doubled bool // UIDLs of this mailbox were not unique once
	read    *names.Set
	unread  *names.Set
}

// parseState reads what String wrote; an older state is the names alone.
func parseState(text string) state {
	rest, doubled := strings.CutPrefix(text, "doubled ")
	read, unread, _ := strings.Cut(rest, " unread ")
	return state{doubled, names.Parse(read), names.Parse(unread)}
}

func (st *state) String() string {
	text := st.read.String()
	if st.doubled {
		text = "doubled " + text
	}
	if unread := st.unread.String(); unread != "" {
		text += " unread " + unread
	}
	return text
}

// only drops what is no longer there.
func (st *state) only(here []named) {
	present := make([]string, 0, len(here))
	for _, n := range here {
		present = append(present, n.name)
	}
	st.read.Only(present)
	st.unread.Only(present)
}

// note accounts for a message that was read, or could not be.
func (st *state) note(m *harvest.Message) {
	if m.Poison != nil {
		st.unread.Add(m.Name)
		return
	}
	st.read.Add(m.Name)
	st.unread.Drop(m.Name)
}

// Reconcile holds what the mailbox says it holds against what is listed and
// read.
func (s *session) Reconcile(_ context.Context, cur harvest.Cursor) error {
	if s.copies == nil {
		return nil // it was not read
	}
	fault := func(kind error, hint, format string, a ...any) error {
		return &harvest.Fault{Mailbox: s.Name, Step: "accounting for the mailbox", Kind: kind, Err: fmt.Errorf(format, a...), Hint: hint}
	}
	if s.stated > len(s.entries) {
		return fault(harvest.ErrUnaccounted, "the server contradicts itself; look at the mailbox with another program",
			"the server says it holds %s and lists %d", count.Of(s.stated, "message"), len(s.entries))
	}
	st := parseState(cur.State)
	if n := st.unread.Len(); n > 0 {
		return fault(harvest.ErrUnreadable, "each run tries again; look at them with another program, and delete what is broken", "%s can't be read", count.Of(n, "message"))
	}
	return nil
}
