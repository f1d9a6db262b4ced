package harvest

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"slices"
)

// firstRead is room for most notices, in bytes.
const firstRead = 4 << 10

// Keeper takes a message as it streams by: it keeps the head of it, counts and
// hashes all of it.
type Keeper struct {
	raw   []byte
	limit int64
	size  int64
	hash  hash.Hash
}

// NewKeeper keeps at most limit bytes.
func NewKeeper(limit int64) *Keeper { return &Keeper{limit: limit, hash: sha256.New()} }

// Write adds to the message. It never fails.
func (k *Keeper) Write(p []byte) (int, error) {
	k.Add(p)
	return len(p), nil
}

// Add adds to the message.
func (k *Keeper) Add(p []byte) {
	k.hash.Write(p)
	k.size += int64(len(p))
	if room := k.limit - int64(len(k.raw)); room > 0 {
		k.raw = append(k.raw, p[:min(int64(len(p)), room)]...)
	}
}

// ReadFrom adds all of r, without a buffer between: io.Copy to a Keeper calls
// it. What comes beyond the limit is counted and hashed only.
func (k *Keeper) ReadFrom(r io.Reader) (n int64, err error) {
	var beyond []byte
	for {
		if cap(k.raw) == len(k.raw) {
			k.raw = slices.Grow(k.raw, int(min(max(firstRead, int64(len(k.raw))), k.limit-int64(len(k.raw)))))
		}
		room := k.raw[len(k.raw):int(min(int64(cap(k.raw)), k.limit))]
		kept := len(room) > 0
		if !kept {
			if beyond == nil {
				beyond = make([]byte, 32<<10)
			}
			room = beyond
		}
		m, err := r.Read(room)
		if kept {
			k.raw = k.raw[:len(k.raw)+m]
		}
		k.hash.Write(room[:m])
		k.size += int64(m)
		n += int64(m)
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

// Size is how many bytes came.
func (k *Keeper) Size() int64 { return k.size }

// Fill sets what m's content decides: all but where it stands.
func (k *Keeper) Fill(m *Message) {
	m.Raw, m.Size = k.raw, k.size
	if m.Raw == nil {
		m.Raw = []byte{}
	}
	k.hash.Sum(m.Hash[:0])
	m.Truncated = k.size > int64(len(k.raw))
	m.Received = ReceivedDate(k.raw)
}
