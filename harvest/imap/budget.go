package imap

import (
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"harvester/harvest"
)

// gmailDaily is four fifths of what Gmail lets one account download in a day
// (support.google.com/a/answer/1071518: 2,500 MB); beyond that it locks the
// account out of IMAP, for people's programs, too.
const gmailDaily = 2000 << 20

// dailyBytes is what may be downloaded in a day; 0 means any amount.
func dailyBytes(server string) int64 {
	host, _, _ := net.SplitHostPort(strings.ToLower(server))
	if host == "imap.gmail.com" || host == "imap.googlemail.com" {
		return gmailDaily
	}
	return 0
}

// budget counts the bytes of a day in UTC.
type budget struct {
	limit int64

	mu   sync.Mutex
	day  time.Time
	used int64
}

var errBudget = errors.New("the day's download limit of the provider is nearly used up")

// spend adds what was downloaded and says how long to stop: zero while
// something is left.
func (b *budget) spend(n int64, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if day := now.UTC().Truncate(24 * time.Hour); !day.Equal(b.day) {
		b.day, b.used = day, 0
	}
	b.used += n
	if b.limit == 0 || b.used < b.limit {
		return 0
	}
	return b.day.Add(24 * time.Hour).Sub(now)
}

// afford counts what the connection brought since the last call, and fails
// when the day's budget is spent.
func (s *session) afford(folder string, now time.Time) error {
	total := s.conn.BytesRead()
	wait := s.budget.spend(total-s.counted, now)
	s.counted = total
	if wait == 0 {
		return nil
	}
	return &harvest.Fault{Mailbox: s.Name, Step: "reading folder " + folder, Err: errBudget, After: wait,
		Hint: "reading goes on tomorrow; nothing is lost"}
}
