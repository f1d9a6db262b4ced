package upkeep

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Forgotten says what an erasure removed.
type Forgotten struct {
	Events     int `json:"events"`
	Messages   int `json:"messages"`
	Raws       int `json:"raws"`             // kept originals that named the address
	Tombstones int `json:"tombstones"`       // suppressions that go on without naming it
	Unread     int `json:"unread,omitempty"` // batches that wait for the leader and can't be read: they may name it
}

// Digest is what a hashed export writes in place of an address.
type Digest struct {
	Export string // its name and profile: "partner/hashed"
	Value  string
}

// Forget erases an address: every address, text and original that names it
// leaves the database, its journal and what SQLite would keep of deleted rows.
// That a message was harvested, and counts without a name, stay. What stood on
// the list goes on under a keyed hash (Lookup still finds it), and later
// notices about the address are stored without naming it. The digests are what
// hashed exports go on to carry. Older backups of the
// file are the operator's to remove.
func (db Upkeep) Forget(ctx context.Context, address, author string, digests ...Digest) (Forgotten, error) {
	key := policy.Key(address)
	if policy.Domain(key) == "" || strings.HasPrefix(key, "@") {
		return Forgotten{}, fmt.Errorf("%q is not an address", address)
	}
	if strings.TrimSpace(author) == "" {
		return Forgotten{}, errors.New("forgetting an address needs an author")
	}
	var f Forgotten
	err := db.Erase(ctx, "forgetting an address", func(t *engine.Tx) error {
		w := &erasing{facts.NewWriting(t, &facts.Ours{})}
		return w.forget(key, author, digests, &f)
	})
	return f, err
}

func (w *erasing) forget(key, author string, digests []Digest, f *Forgotten) error {
	secret, err := w.Secret()
	if err != nil {
		return err
	}
	hash := facts.Tombstone(secret, key)
	res, err := w.SQL.ExecContext(w.Ctx, `INSERT INTO tombstones (hash, source, stream, scope, reason, class, since, expires, at, author)
 SELECT CAST(? AS BLOB), source, stream, scope, reason, class, since, expires, CAST(? AS INTEGER), ? FROM suppressions WHERE key = ? AND state = 'suppressed'
 ON CONFLICT (hash, source, stream) DO UPDATE SET scope = excluded.scope, reason = excluded.reason, class = excluded.class, since = excluded.since,
  expires = excluded.expires, at = excluded.at, author = excluded.author`,
		hash, w.Now.UnixMilli(), author, key)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	f.Tombstones = int(n)
	if err == nil && n == 0 {
		_, err = w.SQL.ExecContext(w.Ctx, `INSERT INTO tombstones (hash, source, stream, scope, reason, class, since, at, author) VALUES (?, '', '', '', '', '', ?, ?, ?) ON CONFLICT DO NOTHING`,
			hash, w.Now.UnixMilli(), w.Now.UnixMilli(), author)
	}
	if err != nil {
		return err
	}
	for _, d := range digests {
		if _, err := w.SQL.ExecContext(w.Ctx, `INSERT INTO digests (export, digest, tombstone) VALUES (?,?,?)
 ON CONFLICT (export, digest) DO UPDATE SET tombstone = excluded.tombstone`, d.Export, d.Value, hash); err != nil {
			return err
		}
	}
	forms, err := w.forms(key)
	if err != nil {
		return err
	}
	for _, q := range []struct {
		query string
		n     *int
	}{
		{nameless + `id IN (SELECT message FROM events WHERE key = ?1)`, &f.Messages},
		{`UPDATE events SET diagnostic = '', evidence = '' WHERE message IN (SELECT message FROM events WHERE key = ?1)`, nil},
		{`UPDATE events SET key = '', address = '', original_recipient = '', final_recipient = '', original_message_id = '' WHERE key = ?1`, &f.Events},
		{`UPDATE standing SET n = n - (SELECT count(*) FROM suppressions l WHERE l.key = ?1 AND l.source = standing.source AND l.state = standing.state AND l.class = standing.class)`, nil},
		{`DELETE FROM suppressions WHERE key = ?1`, nil},
		{`DELETE FROM pushed WHERE key = ?1`, nil},
		{`UPDATE refreshed SET key = '' WHERE key = ?1`, nil},
		{`UPDATE changes SET key = '', address = '' WHERE key = ?1`, nil},
		{`UPDATE overrides SET pattern = '', address = '', reason = CASE WHEN import IS NULL THEN reason ELSE '' END WHERE pattern = ?1`, nil},
	} {
		if err := w.erase(q.query, key, q.n); err != nil {
			return err
		}
	}
	waiting, unread, err := w.ForgetArrivals(key, forms)
	if err != nil {
		return err
	}
	f.Messages, f.Unread = f.Messages+waiting, unread
	for _, form := range forms {
		n, err := w.forgetRaws(form)
		f.Raws += n
		if err != nil {
			return err
		}
		for _, q := range []struct {
			query string
			n     *int
		}{
			{nameless + `instr(lower(sender), ?1) > 0 OR instr(lower(original_to), ?1) > 0 OR instr(lower(delivered_to), ?1) > 0 OR instr(lower(notes), ?1) > 0
   OR instr(lower(subject), ?1) > 0 OR instr(lower(original_subject), ?1) > 0 OR instr(lower(return_path), ?1) > 0`, &f.Messages},
			{`UPDATE events SET diagnostic = '', evidence = '' WHERE instr(lower(diagnostic), ?1) > 0`, nil},
			{`UPDATE events SET original_recipient = '', final_recipient = '' WHERE instr(lower(original_recipient), ?1) > 0 OR instr(lower(final_recipient), ?1) > 0`, nil},
			{`UPDATE suppressions SET diagnostic = '' WHERE instr(lower(diagnostic), ?1) > 0`, nil},
			{`UPDATE locators SET name = '#' || id, error = '' WHERE instr(lower(name), ?1) > 0 OR instr(lower(error), ?1) > 0`, nil},
		} {
			if err := w.erase(q.query, form, q.n); err != nil {
				return err
			}
		}
	}
	return nil
}

// nameless takes from a message all that could name a person.
const nameless = `UPDATE messages SET sender = '', return_path = '', delivered_to = '', subject = '', message_id = '', notes = '',
  original_to = '', original_subject = '', original_message_id = '' WHERE `

func (w *erasing) erase(query, arg string, count *int) error {
	res, err := w.SQL.ExecContext(w.Ctx, query, arg)
	if err != nil || count == nil {
		return err
	}
	n, err := res.RowsAffected()
	*count += int(n)
	return err
}

// forms are the spellings under which an address may stand in texts, in lower
// case.
func (w *erasing) forms(key string) ([]string, error) {
	out := []string{key}
	rows, err := w.SQL.QueryContext(w.Ctx, `SELECT DISTINCT lower(address) FROM events WHERE key = ? ORDER BY 1`, key)
	if err != nil {
		return nil, err
	}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var s string
		err := rows.Scan(&s)
		if s != "" && s != key {
			out = append(out, s)
		}
		return err
	})
	return out, err
}

// forgetRaws removes the originals that name the address.
func (w *erasing) forgetRaws(key string) (int, error) {
	rows, err := w.SQL.QueryContext(w.Ctx, `SELECT message, data FROM raws`)
	if err != nil {
		return 0, err
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return 0, err
	}
	defer z.Close()
	var ids []int64
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var id int64
		var data []byte
		if err := rows.Scan(&id, &data); err != nil {
			return err
		}
		raw, err := z.DecodeAll(data, nil)
		// What can't be read can't be cleared either: it goes.
		if err != nil || bytes.Contains(bytes.ToLower(raw), []byte(key)) {
			ids = append(ids, id)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if _, err := w.SQL.ExecContext(w.Ctx, `DELETE FROM raws WHERE message = ?`, id); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}
