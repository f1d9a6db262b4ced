package store

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"

	"harvester/parse/bounce"
	"harvester/store/policy"
)

// Forgotten says what an erasure removed.
type Forgotten struct {
	Events     int `json:"events"`
	Messages   int `json:"messages"`
	Raws       int `json:"raws"`       // kept originals that named the address
	Tombstones int `json:"tombstones"` // suppressions that go on without naming it
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
func (db *DB) Forget(ctx context.Context, address, author string, digests ...Digest) (Forgotten, error) {
	key := policy.Key(address)
	if policy.Domain(key) == "" || strings.HasPrefix(key, "@") {
		return Forgotten{}, fmt.Errorf("%q is not an address", address)
	}
	if strings.TrimSpace(author) == "" {
		return Forgotten{}, errors.New("forgetting an address needs an author")
	}
	var f Forgotten
	if db.write != nil {
		if _, err := db.write.ExecContext(ctx, `PRAGMA secure_delete = ON`); err != nil {
			return f, fmt.Errorf("forgetting an address: %w", clear(err))
		}
	}
	err := db.tx(ctx, "forgetting an address", func(w *writing) error { return w.forget(key, author, digests, &f) })
	if err != nil {
		return Forgotten{}, err
	}
	// The pages with the address stand in the journal until it is emptied.
	var busy, log, moved int
	if err := db.write.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &moved); err != nil {
		return f, fmt.Errorf("emptying the journal: %w", clear(err))
	}
	if busy != 0 {
		return f, fmt.Errorf("emptying the journal: another program reads the database; the address is erased, but run this again for the journal")
	}
	return f, nil
}

func (w *writing) forget(key, author string, digests []Digest, f *Forgotten) error {
	secret, err := w.secret()
	if err != nil {
		return err
	}
	hash := tombstone(secret, key)
	res, err := w.tx.ExecContext(w.ctx, `INSERT OR REPLACE INTO tombstones (hash, source, stream, scope, reason, class, since, expires, at, author)
 SELECT ?, source, stream, scope, reason, class, since, expires, ?, ? FROM suppressions WHERE key = ? AND state = 'suppressed'`,
		hash, w.now.UnixMilli(), author, key)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	f.Tombstones = int(n)
	if err == nil && n == 0 {
		_, err = w.tx.ExecContext(w.ctx, `INSERT OR IGNORE INTO tombstones (hash, source, stream, scope, reason, class, since, at, author) VALUES (?, '', '', '', '', '', ?, ?, ?)`,
			hash, w.now.UnixMilli(), w.now.UnixMilli(), author)
	}
	if err != nil {
		return err
	}
	for _, d := range digests {
		if _, err := w.tx.ExecContext(w.ctx, `INSERT OR REPLACE INTO digests (export, digest, tombstone) VALUES (?,?,?)`, d.Export, d.Value, hash); err != nil {
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
		{`DELETE FROM suppressions WHERE key = ?1`, nil},
		{`DELETE FROM pushed WHERE key = ?1`, nil},
		{`UPDATE changes SET key = '', address = '' WHERE key = ?1`, nil},
		{`UPDATE overrides SET pattern = '', address = '' WHERE pattern = ?1`, nil},
	} {
		if err := w.erase(q.query, key, q.n); err != nil {
			return err
		}
	}
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

func (w *writing) erase(query, arg string, count *int) error {
	res, err := w.tx.ExecContext(w.ctx, query, arg)
	if err != nil || count == nil {
		return err
	}
	n, err := res.RowsAffected()
	*count += int(n)
	return err
}

// forms are the spellings under which an address may stand in texts, in lower
// case.
func (w *writing) forms(key string) ([]string, error) {
	out := []string{key}
	rows, err := w.tx.QueryContext(w.ctx, `SELECT DISTINCT lower(address) FROM events WHERE key = ? ORDER BY 1`, key)
	if err != nil {
		return nil, err
	}
	err = scan(rows, func(rows *sql.Rows) error {
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
func (w *writing) forgetRaws(key string) (int, error) {
	rows, err := w.tx.QueryContext(w.ctx, `SELECT message, data FROM raws`)
	if err != nil {
		return 0, err
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return 0, err
	}
	defer z.Close()
	var ids []int64
	err = scan(rows, func(rows *sql.Rows) error {
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
		if _, err := w.tx.ExecContext(w.ctx, `DELETE FROM raws WHERE message = ?`, id); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// secret is the key of the tombstones, made when it is first needed.
func (w *writing) secret() ([]byte, error) {
	s, err := secretOf(w.ctx, w.tx)
	if err != nil || s != nil {
		return s, err
	}
	s = make([]byte, 32)
	if _, err := rand.Read(s); err != nil {
		return nil, err
	}
	_, err = w.tx.ExecContext(w.ctx, `INSERT INTO meta (name, value) VALUES ('tombstone key', ?)`, hex.EncodeToString(s))
	return s, err
}

const selectSecret = `SELECT value FROM meta WHERE name = 'tombstone key'`

// secretOf reads the key of the tombstones, nil when nobody was ever forgotten.
func secretOf(ctx context.Context, q querier) ([]byte, error) {
	var s string
	err := q.QueryRowContext(ctx, selectSecret).Scan(&s)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(s)
}

func tombstone(secret []byte, key string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(key))
	return h.Sum(nil)
}

// forgotten tells whether an address was erased, so that what comes in about
// it must not name it.
func (w *writing) forgotten(key string) (bool, error) {
	if !w.secretLoaded {
		var err error
		if w.secretKey, err = secretOf(w.ctx, w.tx); err != nil {
			return false, err
		}
		w.secretLoaded = true
	}
	if w.secretKey == nil || key == "" {
		return false, nil
	}
	var yes bool
	err := w.tx.QueryRowContext(w.ctx, `SELECT EXISTS (SELECT 1 FROM tombstones WHERE hash = ?)`, tombstone(w.secretKey, key)).Scan(&yes)
	return yes, err
}

// unname removes from a result what concerns the forgotten addresses in it.
func (w *writing) unname(it *Item) error {
	any := false
	recipients := it.Result.Recipients
	for i := range recipients {
		gone, err := w.forgotten(policy.Key(recipients[i].Recipient))
		if err != nil {
			return err
		}
		if !gone {
			continue
		}
		if !any {
			it.Result.Recipients = append(recipients[:0:0], recipients...)
		}
		any = true
		r := &it.Result.Recipients[i]
		r.Recipient, r.OriginalRecipient, r.FinalRecipient = "", "", ""
	}
	from, err := w.forgotten(policy.Key(it.Result.From))
	if err != nil || !any && !from {
		return err
	}
	res, o := &it.Result, &it.Result.Original
	res.From, res.DeliveredTo, res.Subject, res.MessageID, res.Notes, it.Message.Name = "", "", "", "", nil, ""
	o.To, o.Subject, o.MessageID = "", "", ""
	for i := range res.Recipients {
		res.Recipients[i].Diagnostic, res.Recipients[i].Evidence = "", ""
	}
	if res.Kind == bounce.KindUnparsed {
		it.Message.Raw = nil
	}
	return nil
}

// buried is what stands for a forgotten address.
func (db *DB) buried(ctx context.Context, address string) ([]Suppression, error) {
	secret, err := secretOf(ctx, db.read)
	if err != nil || secret == nil {
		return nil, err
	}
	key := policy.Key(address)
	rows, err := db.read.QueryContext(ctx, `SELECT source, stream, scope, reason, class, since, expires FROM tombstones
 WHERE hash = ? AND source <> '' AND (expires IS NULL OR expires > ?) ORDER BY source, stream`, tombstone(secret, key), db.opts.Now().UnixMilli())
	if err != nil {
		return nil, err
	}
	var out []Suppression
	err = scan(rows, func(rows *sql.Rows) error {
		s := Suppression{Address: address, Key: key, Domain: policy.Domain(key), State: policy.Suppressed, Line: "it was suppressed when it was forgotten"}
		err := rows.Scan(&s.Source, &s.Stream, text(&s.Scope), &s.Reason, text(&s.Class), when{&s.Since}, when{&s.Expires})
		s.LastSeen = s.Since
		out = append(out, s)
		return err
	})
	return out, err
}

// digested yields what stands for forgotten addresses in a hashed export.
func (db *DB) digested(ctx context.Context, f Filter, yield func(Suppression, error) bool) {
	rows, err := db.read.QueryContext(ctx, `SELECT d.digest, t.source, t.stream, t.scope, t.reason, t.class, t.since, t.expires FROM digests d
 JOIN tombstones t ON t.hash = d.tombstone WHERE d.export = ? AND t.source <> '' AND (t.expires IS NULL OR t.expires > ?) ORDER BY 1, 2, 3`,
		f.Digests, db.opts.Now().UnixMilli())
	if err != nil {
		yield(Suppression{}, fmt.Errorf("reading what was forgotten: %w", clear(err)))
		return
	}
	defer rows.Close()
	for rows.Next() {
		s := Suppression{State: policy.Suppressed, Line: "it was suppressed when it was forgotten"}
		err := rows.Scan(&s.Digest, &s.Source, &s.Stream, text(&s.Scope), &s.Reason, text(&s.Class), when{&s.Since}, when{&s.Expires})
		if err != nil {
			yield(s, fmt.Errorf("reading what was forgotten: %w", clear(err)))
			return
		}
		s.Key, s.LastSeen = s.Digest, s.Since
		// When it came onto the list is forgotten: it is carried whatever the day.
		if f.takes(Change{At: f.Since, Source: s.Source, Stream: s.Stream, Reason: s.Reason, Class: s.Class}) && !yield(s, nil) {
			return
		}
	}
	if err := rows.Err(); err != nil {
		yield(Suppression{}, fmt.Errorf("reading what was forgotten: %w", clear(err)))
	}
}
