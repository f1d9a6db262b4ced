package harvest

// Overhead is about what a message takes besides its bytes once it is
// understood, and what makes up for many small ones.
const Overhead = 8 << 10

// Sparing is implemented by sessions whose batches can be kept small. Spare
// bounds the bytes, [Overhead] and all, of those that Next reads from now on;
// a single message may have more.
type Sparing interface {
	Spare(bytes int64)
}

// Share is embedded by sessions that are [Sparing]. The zero value bounds
// nothing.
type Share struct{ bytes int64 }

// Spare implements [Sparing].
func (s *Share) Spare(bytes int64) { s.bytes = bytes }

// Within returns how many messages and bytes a batch may have: what is
// configured, or less; one message at least.
func (s *Share) Within(messages int, bytes int64) (int, int64) {
	if s.bytes == 0 {
		return messages, bytes
	}
	return min(messages, max(1, int(s.bytes/Overhead))), min(bytes, s.bytes)
}
