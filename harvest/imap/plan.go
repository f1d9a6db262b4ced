package imap

import (
	"context"
	"fmt"
	"strconv"

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

// plan is what is left to read in a folder, in ascending order. Sizes are
// known for the first of them only.
type plan struct {
	from  imap.UID // it names everything after this one
	uids  []imap.UID
	sizes []int64
}

// after drops everything up to last. A caller that goes back needs a new plan.
func (p *plan) after(last imap.UID) {
	if last < p.from {
		*p = plan{}
		return
	}
	p.from = last
	n := 0
	for n < len(p.uids) && p.uids[n] <= last {
		n++
	}
	p.uids = p.uids[n:]
	p.sizes = p.sizes[min(n, len(p.sizes)):]
}

// take is the longest head of the plan within the limits, at least one UID. A
// message counts with what is kept of it.
func (p *plan) take(messages int, bytes, maxMessage int64) []imap.UID {
	uids := head(p.uids[:min(messages, len(p.sizes))], messages)
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

// list asks which UIDs stand after last. In an open folder it first lets the
// server tell of new mail.
func (s *session) list(ctx context.Context, f *selected, last imap.UID) error {
	if last == ^imap.UID(0) {
		f.plan = plan{}
		return nil
	}
	var found *imap.SearchData
	err := s.do(ctx, "searching folder "+f.name, func() (err error) {
		var noop *imapclient.Command
		if !f.fresh {
			noop = s.client.Noop() // in the same round trip
		}
		search := s.client.UIDSearch(&imap.SearchCriteria{
			UID: []imap.UIDSet{{imap.UIDRange{Start: last + 1, Stop: 0}}},
		}, nil)
		if noop != nil {
			if err := noop.Wait(); err != nil {
				_, _ = search.Wait() // it failed with it
				return err
			}
		}
		found, err = search.Wait()
		return err
	})
	if err != nil {
		return err
	}
	f.fresh = false
	most := uint64(strayUIDs)
	if mailbox := s.client.Mailbox(); mailbox != nil {
		most += uint64(mailbox.NumMessages)
	}
	uids, err := above(found, last, most)
	if err != nil {
		return s.failed(ctx, "searching folder "+f.name, err)
	}
	f.plan = plan{from: last, uids: uids}
	return nil
}

// above expands the UIDs of a search that are greater than last.
//
// QUIRK: n:* always contains the last message (RFC 9051 §9, seq-range), also
// when its UID is below n; Courier differs.
func above(found *imap.SearchData, last imap.UID, most uint64) ([]imap.UID, error) {
	set, ok := found.All.(imap.UIDSet)
	if !ok {
		return nil, nil
	}
	var uids []imap.UID
	for _, r := range set {
		start, stop := max(r.Start, last+1), r.Stop
		if r.Start == 0 || stop < start {
			continue
		}
		if uint64(len(uids))+uint64(stop-start) > most {
			return nil, fmt.Errorf("the server names UIDs %d to %d, far more than the folder holds", r.Start, r.Stop)
		}
		for uid := uint64(start); uid <= uint64(stop); uid++ {
			uids = append(uids, imap.UID(uid))
		}
	}
	return uids, nil
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
