package query

import (
	"context"
	"database/sql"
	"hash/maphash"
	"iter"
	"slices"
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
	// mostKept is for how many addresses that are listed rows are kept.
	mostKept = 1 << 14
)

// memory answers for most addresses without reading the database: programs ask
// before each mail. Of those about whom nothing stands, who are most, it knows
// too many to be listed rather than too few; who it doesn't know to be absent is
// looked up, and the rows that are found are kept until anything is committed.
// Memory: four bytes for each address that is listed, half a KB for each of
// mostKept.
type memory struct {
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
	rows    sync.Map          // key: the rows of the list about it, which time can only take away
	kept    atomic.Int64      // how many
}

// Remember has look-ups answer from memory where they can: for programs that ask
// again and again.
func (db List) Remember() { db.memory.on.Store(true) }

// Remembered is LookupAll of one address, from memory alone: it waits for nothing.
// ok is false where that can't be told without the database.
func (db List) Remembered(address, stream string) (v Verdict, ok bool) {
	v.Address, v.Entries = address, []Entry{}
	k := db.memory.current.Load()
	if k == nil || !db.Stands(k.stands.Load(), seenAfter) {
		return v, false
	}
	key := policy.Key(engine.CleanText(address))
	if k.lack(key) {
		return v, true
	}
	if v.Entries, ok = k.recall(key, db.Now()); ok {
		db.narrow(&v, stream)
	}
	return v, ok
}

// lack tells that nothing stands about any of the keys.
func (k *known) lack(keys ...string) bool {
	for _, key := range keys {
		if key == "" || k.keys.has(key) || k.secret != nil && k.keys.has(string(facts.Tombstone(k.secret, key))) || coversAny(k.domains, key) {
			return false
		}
	}
	return true
}

// keep remembers the rows of the list about a key.
func (k *known) keep(key string, rows []Entry) {
	if len(rows) > 0 && k.kept.Add(1) <= mostKept {
		k.rows.Store(key, slices.Clone(rows))
	}
}

// recall gives the rows about a key, if they are kept and none has expired.
func (k *known) recall(key string, now time.Time) ([]Entry, bool) {
	kept, ok := k.rows.Load(key)
	if !ok {
		return nil, false
	}
	rows := kept.([]Entry)
	for i := range rows {
		if e := rows[i].Expires; !e.IsZero() && !e.After(now) {
			return nil, false
		}
	}
	return slices.Clone(rows), true
}

// now is what stands now; nil where that can't be said at once.
func (a *memory) now(ctx context.Context) *known {
	if !a.on.Load() {
		return nil
	}
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
func (a *memory) renew(ctx context.Context, was *known) (k *known, err error) {
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
