package envelope

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // as the draft has it; HMAC-SHA-1 is not broken
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// BATV verifies the tags that a mail server puts before its own return paths
// (draft-levine-smtp-batv, the simple private signature "prvs"):
//
//	prvs=KDDDSSSSSS=local@domain
//
// K is the number of the key, DDD the day on which the tag ends (days since
// 1970-01-01 UTC, modulo 1000), SSSSSS the first three bytes of HMAC-SHA-1 of
// K, DDD and the address. A tag proves that the notice answers a mail of that
// address; to whom that went it does not say. Exim writes it with ${prvs}.
// QUIRK: some write the tag behind the local part (prvs=local=KDDDSSSSSS).
type BATV struct{ keys [][]byte }

// Tag is what a tagged address says.
type Tag struct {
	Address string // of ours, without the tag
	Signed  bool   // the tag is one of our keys'
	Key     int    // index of that key
	ends    int    // day, modulo 1000
}

// NewBATV takes the keys that verify; whatever their number, each is tried.
func NewBATV(keys ...[]byte) (*BATV, error) {
	if err := checkKeys("BATV", keys); err != nil {
		return nil, err
	}
	return &BATV{keys: keys}, nil
}

// Fingerprint names the keys without telling them.
func (b *BATV) Fingerprint() string { return fingerprint("batv", b.keys) }

// Read takes an address apart that may be tagged. ok is false when it is not.
func (b *BATV) Read(addr string) (t Tag, ok bool) {
	if b == nil {
		return Tag{}, false
	}
	tag, plain, ok := cutTag(addr)
	if !ok {
		return Tag{}, false
	}
	t.Address = plain
	t.ends, _ = strconv.Atoi(tag[1:4]) // cutTag saw digits
	for i, k := range b.keys {
		for _, spelling := range [...]string{plain, strings.ToLower(plain)} { // systems on the way change case
			h := hmac.New(sha1.New, k)
			h.Write([]byte(tag[:4] + spelling))
			if hmac.Equal([]byte(hex.EncodeToString(h.Sum(nil)[:3])), []byte(strings.ToLower(tag[4:]))) {
				t.Signed, t.Key = true, i
			}
		}
	}
	return t, true
}

// batvLife is for how many days a tag is good.
const batvLife = 7

// Fresh tells whether the tag was still good when the notice to it came in,
// with a day of grace for clocks that differ.
func (t Tag) Fresh(at time.Time) bool {
	left := (t.ends - int(at.Unix()/86400%1000) + 1000) % 1000
	return t.Signed && (left <= batvLife+1 || left == 999)
}

// cutTag takes a tagged address apart.
func cutTag(addr string) (tag, plain string, ok bool) {
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return "", "", false
	}
	rest, ok := cutFold(addr[:at], "prvs=")
	if !ok {
		return "", "", false
	}
	first, behind, ok := strings.Cut(rest, "=")
	last := strings.LastIndexByte(rest, '=')
	switch {
	case ok && isTag(first):
		return first, behind + addr[at:], behind != ""
	case ok && isTag(rest[last+1:]):
		return rest[last+1:], rest[:last] + addr[at:], true
	}
	return "", "", false
}

const minKey = 16 // bytes

func checkKeys(what string, keys [][]byte) error {
	for _, k := range keys {
		if len(k) < minKey {
			return fmt.Errorf("a %s key is shorter than %d bytes", what, minKey)
		}
	}
	return nil
}
