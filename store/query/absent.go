package query

import (
	"context"
	"database/sql"
	"hash/maphash"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
)

const (
	// seenAfter is how much later a look-up may see what another process, such as
	// a command, committed.
	seenAfter = 5 * time.Millisecond
	// readAnew is after how long all keys are read again instead of what came
	// since: the history of the list is not kept for ever.
	readAnew = time.Hour
	// By these one of some ten thousand keys is taken for another, which costs
	// a query.
	bitsPerKey, bitsSet = 16, 8
)

// absences tells of most addresses, without reading the database, that nothing
// stands about them: programs ask before each mail, and few are listed. It knows
// too much rather than too little: whoever it doesn't know to be absent is looked
// up. Memory: four bytes for each address that is listed.
type absences struct {
	db      *engine.DB
	on      atomic.Bool
	current atomic.Pointer[known]
	renewal sync.Mutex // held by the one who reads what changed; meanwhile others ask the database
}

// known is what stood at a moment. All but stands stays as it was made.
type known struct {
	stands  atomic.Pointer[engine.Version]
	read    time.Time // when all keys were read
	mark    int64     // in the history of the list
	erased  int       // tombstones
	keys    *filter
	secret  []byte            // of the tombstones, whose hashes are among the keys
	domains []policy.Override // acts on whole domains
}

// Remember has look-ups answer from memory who is not listed: for programs that
// ask again and again.
func (db List) Remember() { db.absent.on.Store(true) }

// all tells that nothing stands about any of the keys.
func (a *absences) all(ctx context.Context, keys []string) bool {
	if !a.on.Load() {
		return false
	}
	k := a.now(ctx)
	if k == nil {
		return false
	}
	for _, key := range keys {
		if key == "" || k.keys.has(key) || k.secret != nil && k.keys.has(string(facts.Tombstone(k.secret, key))) || coversAny(k.domains, key) {
			return false
		}
	}
	return true
}

// now is what stands now; nil where that can't be said at once.
func (a *absences) now(ctx context.Context) *known {
	k := a.current.Load()
	if k != nil && a.db.Stands(k.stands.Load(), seenAfter) {
		return k
	}
	if !a.renewal.TryLock() {
		return nil
	}
	defer a.renewal.Unlock()
	v, err := a.db.Version(ctx) // before anything is read
	if err != nil {
		return nil
	}
	if k = a.current.Load(); k == nil || !k.stands.Load().Same(&v) {
		if k, err = a.renew(ctx, k); err != nil {
			return nil
		}
	}
	k.stands.Store(&v)
	a.current.Store(k)
	return k
}

// renew reads what changed since another moment, or all.
func (a *absences) renew(ctx context.Context, was *known) (k *known, err error) {
	k = &known{}
	err = a.db.Snapshot(ctx, func(q *engine.Snapshot) (err error) {
		if k.secret, err = facts.SecretOf(ctx, q.SQL); err != nil {
			return err
		}
		if k.domains, err = facts.DomainActs(q); err != nil {
			return err
		}
		err = q.SQL.QueryRowContext(ctx, `SELECT (SELECT ifnull(max(id), 0) FROM changes), (SELECT count(*) FROM tombstones)`).Scan(&k.mark, &k.erased)
		if err != nil {
			return err
		}
		if was != nil && k.mark >= was.mark && time.Since(was.read) < readAnew && was.keys.room() {
			k.keys, k.read = was.keys, was.read
			if err := k.add(q, `SELECT key FROM changes WHERE id > ?`, was.mark); err != nil || k.erased == was.erased {
				return err
			}
			return k.add(q, `SELECT hash FROM tombstones`)
		}
		var rows int
		if err := q.SQL.QueryRowContext(ctx, `SELECT count(*) FROM suppressions`).Scan(&rows); err != nil {
			return err
		}
		k.keys, k.read = newFilter(rows+k.erased), time.Now()
		if err := k.add(q, `SELECT key FROM suppressions`); err != nil {
			return err
		}
		return k.add(q, `SELECT hash FROM tombstones`)
	})
	return k, err
}

// add adds the keys that a query finds.
func (k *known) add(q *engine.Snapshot, query string, args ...any) error {
	rows, err := q.Query(query, args...)
	if err != nil {
		return err
	}
	return engine.Each(rows, func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		k.keys.add(key)
		return err
	})
}

// filter is a Bloom filter: it may take a key for one that was added, and never
// the other way round. One may add while others ask.
type filter struct {
	seed  maphash.Seed
	words []atomic.Uint64
	added int
}

// newFilter has room for some keys and as many more.
func newFilter(keys int) *filter {
	return &filter{seed: maphash.MakeSeed(), words: make([]atomic.Uint64, max(keys, 1024)*2*bitsPerKey/64)}
}

func (f *filter) room() bool { return f.added*bitsPerKey < len(f.words)*64 }

func (f *filter) add(key string) {
	f.added++
	for at := range f.bits(key) {
		f.words[at/64].Or(1 << (at % 64))
	}
}

func (f *filter) has(key string) bool {
	for at := range f.bits(key) {
		if f.words[at/64].Load()&(1<<(at%64)) == 0 {
			return false
		}
	}
	return true
}

// bits are the places of a key, by double hashing (Kirsch and Mitzenmacher 2006).
func (f *filter) bits(key string) iter.Seq[uint64] {
	h := maphash.String(f.seed, key)
	step := h>>32 | 1
	return func(yield func(uint64) bool) {
		for range bitsSet {
			if !yield(h % uint64(64*len(f.words))) {
				return
			}
			h += step
		}
	}
}
