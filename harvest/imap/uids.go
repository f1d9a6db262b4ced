package imap

import (
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// uidSet is a set of UIDs as ascending ranges that neither touch nor overlap. A
// folder of a million messages is one range mostly.
type uidSet []imap.UIDRange

// newSet puts ranges as a server names them in order: "5:1" is "1:5", and UID 0
// is none.
func newSet(ranges []imap.UIDRange) uidSet {
	all := make([]imap.UIDRange, 0, len(ranges))
	for _, r := range ranges {
		if r.Stop < r.Start {
			r.Start, r.Stop = r.Stop, r.Start
		}
		if r.Start = max(r.Start, 1); r.Start <= r.Stop {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b imap.UIDRange) int { return int(int64(a.Start) - int64(b.Start)) })
	var s uidSet
	for _, r := range all {
		if last := len(s) - 1; last >= 0 && uint64(r.Start) <= uint64(s[last].Stop)+1 {
			s[last].Stop = max(s[last].Stop, r.Stop)
			continue
		}
		s = append(s, r)
	}
	return s
}

// count is how many UIDs are in the set.
func (s uidSet) count() (n uint64) {
	for _, r := range s {
		n += uint64(r.Stop-r.Start) + 1
	}
	return n
}

// last is the greatest UID, 0 of an empty set.
func (s uidSet) last() imap.UID {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].Stop
}

// find is the place of the first range that doesn't end before uid.
func (s uidSet) find(uid imap.UID) int {
	i, _ := slices.BinarySearchFunc(s, uid, func(r imap.UIDRange, uid imap.UID) int { return int(int64(r.Stop) - int64(uid)) })
	return i
}

func (s uidSet) has(uid imap.UID) bool {
	i := s.find(uid)
	return i < len(s) && s[i].Start <= uid
}

// with is the set with UIDs added, which is cheap for those after the last.
func (s uidSet) with(uids ...imap.UID) uidSet {
	add := make([]imap.UIDRange, 0, len(uids))
	for _, uid := range uids {
		add = append(add, imap.UIDRange{Start: uid, Stop: uid})
	}
	return newSet(append(slices.Clone(s), newSet(add)...))
}

// and is what both sets hold.
func (s uidSet) and(other uidSet) uidSet {
	var both uidSet
	for i, j := 0, 0; i < len(s) && j < len(other); {
		start, stop := max(s[i].Start, other[j].Start), min(s[i].Stop, other[j].Stop)
		if start <= stop {
			both = append(both, imap.UIDRange{Start: start, Stop: stop})
		}
		if s[i].Stop < other[j].Stop {
			i++
		} else {
			j++
		}
	}
	return both
}

// without is what s holds and other doesn't.
func (s uidSet) without(other uidSet) uidSet {
	var rest uidSet
	for _, r := range s {
		start := uint64(r.Start)
		for i := other.find(r.Start); i < len(other) && other[i].Start <= r.Stop; i++ {
			if start < uint64(other[i].Start) {
				rest = append(rest, imap.UIDRange{Start: imap.UID(start), Stop: other[i].Start - 1})
			}
			start = uint64(other[i].Stop) + 1
		}
		if start <= uint64(r.Stop) {
			rest = append(rest, imap.UIDRange{Start: imap.UID(start), Stop: r.Stop})
		}
	}
	return rest
}

// each is every UID in ascending order. The caller bounds the set.
func (s uidSet) each() []imap.UID {
	uids := make([]imap.UID, 0, s.count())
	for _, r := range s {
		for uid := uint64(r.Start); uid <= uint64(r.Stop); uid++ {
			uids = append(uids, imap.UID(uid))
		}
	}
	return uids
}

// String is the set as RFC 9051 writes it: "1:300,302".
func (s uidSet) String() string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(uint64(r.Start), 10))
		if r.Stop != r.Start {
			b.WriteByte(':')
			b.WriteString(strconv.FormatUint(uint64(r.Stop), 10))
		}
	}
	return b.String()
}

// parseSet reads what String wrote; ok is false for anything else.
func parseSet(text string) (s uidSet, ok bool) {
	if text == "" {
		return nil, true
	}
	var ranges []imap.UIDRange
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, ":")
		if !isRange {
			to = from
		}
		start, err := strconv.ParseUint(from, 10, 32)
		stop, err2 := strconv.ParseUint(to, 10, 32)
		if err != nil || err2 != nil {
			return nil, false
		}
		ranges = append(ranges, imap.UIDRange{Start: imap.UID(start), Stop: imap.UID(stop)})
	}
	return newSet(ranges), true
}
