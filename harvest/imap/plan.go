package imap

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

const (
	// maxSetBytes bounds the text of a UID set (RFC 7162 §4 advises 8,192 for
	// a line). QUIRK: Courier hangs up without a word at 16 KB.
	maxSetBytes = 8000
	// sizesAtOnce is how many sizes are asked for in one command.
	sizesAtOnce = 5000
	// strayUIDs is how many more UIDs than messages a search may name, for
	// mail that arrives meanwhile.
	strayUIDs = 1 << 20
)

// plan is what is left to read in a folder: in ascending order what is new, then
// what could not be read before. Sizes are known for the first of them only.
type plan struct {
	uids  []imap.UID
	sizes []int64
	again uidSet // was tried before
}

// drop takes the first n off.
func (p *plan) drop(n int) {
	p.again = p.again.without(newSet(nil).with(p.uids[:n]...))
	p.uids = p.uids[n:]
	p.sizes = p.sizes[min(n, len(p.sizes)):]
}

// take is the longest head of the plan within the limits, at least one UID. A
// message counts with what is kept of it, and one that was tried before stands
// alone.
func (p *plan) take(messages int, bytes, maxMessage int64) []imap.UID {
	if len(p.uids) > 0 && p.again.has(p.uids[0]) {
		return p.uids[:1]
	}
	fresh := len(p.uids) - int(p.again.count()) //nolint:gosec // part of the plan
	uids := head(p.uids[:min(messages, len(p.sizes), fresh)], messages)
	var total int64
	for n := range uids {
		total += min(p.sizes[n], maxMessage)
		if n > 0 && total > bytes {
			return uids[:n]
		}
	}
	return uids
}

// head is the longest head, of at most so many, whose set is short enough to
// ask for in one command. Runs of UIDs are written as ranges.
func head(uids []imap.UID, most int) []imap.UID {
	closed, start := 0, 0 // text of the runs before, start of this one
	for n, uid := range uids {
		if n == most {
			return uids[:n]
		}
		if n > 0 && uid != uids[n-1]+1 {
			closed += rangeText(uids[start], uids[n-1])
			start = n
		}
		if n > 0 && closed+rangeText(uids[start], uid) > maxSetBytes {
			return uids[:n]
		}
	}
	return uids
}

func rangeText(start, stop imap.UID) int {
	digits := func(uid imap.UID) int { return len(strconv.FormatUint(uint64(uid), 10)) }
	return digits(start) + len(":") + digits(stop) + len(",")
}

// list asks which messages are there and plans what is not accounted for. In an
// open folder it first lets the server tell of new mail. What the folder says it
// holds must be what it lists: if not, it is asked in other ways.
//
// QUIRK: GNU mailutils imap4d (3.15, 3.21) finds nothing for UID SEARCH UID n:*
// in a full folder; ALL works.
func (s *session) list(ctx context.Context, f *selected) error {
	listed, err := s.search(ctx, f, !f.fresh)
	if err != nil {
		return err
	}
	if listed.count() != s.holds() { // mail may have come or gone meanwhile
		if listed, err = s.search(ctx, f, true); err != nil {
			return err
		}
	}
	if listed.count() < s.holds() {
		byNumber, err := s.enumerate(ctx, f)
		if err != nil {
			return err
		}
		listed = newSet(append(listed, byNumber...))
	}
	f.listed, f.short = listed, int64(s.holds())-int64(listed.count())
	f.plan = plan{}
	if f.short <= 0 { // else the list is not the whole truth
		next := f.uidNext
		if !f.fresh {
			next = 0 // it is that of the opening
		}
		f.known.taken.see(next, listed, f.known.read, time.Now())
		f.known.prune(listed)
	}
	f.fresh = false
	f.plan.uids, f.plan.again = f.known.left(listed, s.tried[f.name])
	return nil
}

// holds is how many messages the folder says it has.
func (s *session) holds() uint64 {
	if mailbox := s.client.Mailbox(); mailbox != nil {
		return uint64(mailbox.NumMessages)
	}
	return 0
}

// search asks for all UIDs, as ranges where the server can (RFC 4731).
func (s *session) search(ctx context.Context, f *selected, noop bool) (uidSet, error) {
	step := "searching folder " + f.name
	var options *imap.SearchOptions
	if s.has(ctx, imap.CapESearch) {
		options = &imap.SearchOptions{ReturnAll: true}
	}
	var found *imap.SearchData
	err := s.do(ctx, step, func() (err error) {
		var told *imapclient.Command
		if noop {
			told = s.client.Noop() // in the same round trip
		}
		search := s.client.UIDSearch(&imap.SearchCriteria{}, options)
		if told != nil {
			if err := told.Wait(); err != nil {
				_, _ = search.Wait() // it failed with it
				return err
			}
		}
		found, err = search.Wait()
		return err
	})
	if err != nil {
		return nil, err
	}
	ranges, _ := found.All.(imap.UIDSet)
	listed := newSet(ranges)
	if listed.count() > s.holds()+strayUIDs {
		return nil, s.failed(ctx, step, fmt.Errorf("the server names UIDs %d to %d, far more than the folder holds", listed[0].Start, listed.last()))
	}
	return listed, nil
}

// enumerate asks for the UID of every message by its number.
func (s *session) enumerate(ctx context.Context, f *selected) (uidSet, error) {
	var ranges []imap.UIDRange
	err := s.do(ctx, "listing folder "+f.name, func() error {
		fetch := s.client.Fetch(imap.SeqSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{UID: true})
		for message := fetch.Next(); message != nil; message = fetch.Next() {
			for item := message.Next(); item != nil; item = message.Next() {
				if item, ok := item.(imapclient.FetchItemDataUID); ok {
					ranges = append(ranges, imap.UIDRange{Start: item.UID, Stop: item.UID})
				}
			}
		}
		return fetch.Close()
	})
	if refused(err) {
		s.Log.Warn("the server lists fewer messages than the folder holds", "mailbox", s.Name, "folder", f.name, "err", err)
		err = nil
	}
	return newSet(ranges), err
}

// weigh asks for the sizes of the next messages unless they are known. Those
// that the server doesn't name are taken for empty: they are probably gone.
func (s *session) weigh(ctx context.Context, f *selected) error {
	if len(f.plan.sizes) > 0 || len(f.plan.uids) == 0 {
		return nil
	}
	uids := head(f.plan.uids, sizesAtOnce)
	known := make(map[imap.UID]int64, len(uids))
	err := s.do(ctx, "asking for sizes in folder "+f.name, func() error {
		fetch := s.client.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, RFC822Size: true})
		for message := fetch.Next(); message != nil; message = fetch.Next() {
			var uid imap.UID
			var size int64
			for item := message.Next(); item != nil; item = message.Next() {
				switch item := item.(type) {
				case imapclient.FetchItemDataUID:
					uid = item.UID
				case imapclient.FetchItemDataRFC822Size:
					size = item.Size
				}
			}
			known[uid] = max(size, known[uid])
		}
		return fetch.Close()
	})
	if err != nil {
		return err
	}
	f.plan.sizes = make([]int64, len(uids))
	for i, uid := range uids {
		f.plan.sizes[i] = known[uid]
	}
	return nil
}
