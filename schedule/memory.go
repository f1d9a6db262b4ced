package schedule

import (
	"sync"

	"harvester/harvest"
)

// Memory is what the messages in hand of many mailboxes take together. Nobody
// ever waits for it: a server that keeps silent would hold up the others. Who
// asks when little is left gets small batches.
type Memory struct {
	bytes int64

	mu   sync.Mutex
	held int64
}

// leastShare is what a batch gets when nothing is left: slow, but it goes on.
const leastShare = 16 * harvest.Overhead

// NewMemory returns a Memory of so many bytes.
func NewMemory(bytes int64) *Memory { return &Memory{bytes: bytes} }

// share sets something aside for a batch that is about to be read: part of what
// is left, so that the next one gets something, too.
func (m *Memory) share() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := max(leastShare, (m.bytes-m.held)/4)
	m.held += s
	return s
}

// add corrects what is held.
func (m *Memory) add(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held += bytes
}

// weight is what a batch takes.
func weight(messages []harvest.Message) (bytes int64) {
	for i := range messages {
		bytes += int64(len(messages[i].Raw)) + harvest.Overhead
	}
	return bytes
}
