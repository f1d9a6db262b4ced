package facts

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/policy"
)

// Secret is the key of the tombstones, made when it is first needed.
func (w *Writing) Secret() ([]byte, error) {
	s, err := SecretOf(w.Ctx, w.SQL)
	if err != nil || s != nil {
		return s, err
	}
	s = make([]byte, 32)
	if _, err := rand.Read(s); err != nil {
		return nil, err
	}
	_, err = w.SQL.ExecContext(w.Ctx, `INSERT INTO meta (name, value) VALUES ('tombstone key', ?)`, hex.EncodeToString(s))
	return s, err
}

const SelectSecret = `SELECT value FROM meta WHERE name = 'tombstone key'`

// SecretOf reads the key of the tombstones, nil when nobody was ever forgotten.
func SecretOf(ctx context.Context, q engine.Querier) ([]byte, error) {
	var s string
	err := q.QueryRowContext(ctx, SelectSecret).Scan(&s)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(s)
}

// Tombstone is what remains of a forgotten address: a keyed hash of its key.
func Tombstone(secret []byte, key string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(key))
	return h.Sum(nil)
}

// Forgotten tells whether an address was erased, so that what comes in about
// it must not name it.
func (w *Writing) Forgotten(key string) (bool, error) {
	if err := w.loadSecret(); err != nil || w.secretKey == nil || key == "" {
		return false, err
	}
	var yes bool
	err := w.Row(selectForgotten, []any{Tombstone(w.secretKey, key)}, &yes)
	return yes, err
}

const selectForgotten = `SELECT EXISTS (SELECT 1 FROM tombstones WHERE hash = ?)`

func (w *Writing) loadSecret() (err error) {
	if !w.secretLoaded {
		w.secretKey, err = SecretOf(w.Ctx, w.SQL)
		w.secretLoaded = err == nil
	}
	return err
}

// unname removes from a result what concerns the forgotten addresses in it.
func (w *Writing) unname(it *Item) error {
	any := false
	recipients := it.Result.Recipients
	for i := range recipients {
		gone, err := w.Forgotten(policy.Key(recipients[i].Recipient))
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
	from, err := w.Forgotten(policy.Key(it.Result.From))
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
