package imap

import (
	"errors"
	"fmt"
	"net"
	"strconv"
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

// state is what was used of the day, to be kept with the cursor: a restart
// must not give an account a second day's worth. Without a limit it is empty.
func (b *budget) state() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limit == 0 {
		return ""
	}
	return fmt.Sprintf("%s %d", b.day.Format(time.DateOnly), b.used)
}

// resume takes over what another process used, as it stands with a cursor.
// Each folder's says what all of them had used by then.
func (b *budget) resume(state string) {
	word, number, _ := strings.Cut(state, " ")
	day, err := time.Parse(time.DateOnly, word)
	if err != nil {
		return
	}
	used, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case day.After(b.day):
		b.day, b.used = day, used
	case day.Equal(b.day):
		b.used = max(b.used, used)
	}
}

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

// count counts what the connection brought since the last call, and says how
// long to stop.
func (s *session) count(now time.Time) time.Duration {
	total := s.conn.BytesRead()
	wait := s.budget.spend(total-s.counted, now)
	s.counted = total
	return wait
}

// afford fails when the day's budget is spent.
func (s *session) afford(folder string, now time.Time) error {
	wait := s.count(now)
	if wait == 0 {
		return nil
	}
	return &harvest.Fault{Mailbox: s.Name, Step: "reading folder " + folder, Err: errBudget, After: wait,
		Hint: "reading goes on tomorrow; nothing is lost"}
}
