package query

import (
	"context"
	"database/sql"
	"fmt"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
)

// buried is what stands for a forgotten address.
func (db List) buried(ctx context.Context, address string) ([]Suppression, error) {
	secret, err := facts.SecretOf(ctx, db.Read)
	if err != nil || secret == nil {
		return nil, err
	}
	key := policy.Key(address)
	rows, err := db.Read.QueryContext(ctx, `SELECT source, stream, scope, reason, class, since, expires FROM tombstones
 WHERE hash = ? AND source <> '' AND (expires IS NULL OR expires > ?) ORDER BY source, stream`, facts.Tombstone(secret, key), db.Now().UnixMilli())
	if err != nil {
		return nil, err
	}
	var out []Suppression
	err = engine.Each(rows, func(rows *sql.Rows) error {
		s := Suppression{Address: address, Key: key, Domain: policy.Domain(key), State: policy.Suppressed, Line: "it was suppressed when it was forgotten"}
		err := rows.Scan(&s.Source, &s.Stream, engine.Text(&s.Scope), &s.Reason, engine.Text(&s.Class), engine.When(&s.Since), engine.When(&s.Expires))
		s.LastSeen = s.Since
		out = append(out, s)
		return err
	})
	return out, err
}

// digested yields what stands for forgotten addresses in a hashed export.
func (db List) digested(ctx context.Context, f Filter, yield func(Suppression, error) bool) {
	rows, err := db.Read.QueryContext(ctx, `SELECT d.digest, t.source, t.stream, t.scope, t.reason, t.class, t.since, t.expires FROM digests d
 JOIN tombstones t ON t.hash = d.tombstone WHERE d.export = ? AND t.source <> '' AND (t.expires IS NULL OR t.expires > ?) ORDER BY 1, 2, 3`,
		f.Digests, db.Now().UnixMilli())
	if err != nil {
		yield(Suppression{}, fmt.Errorf("reading what was forgotten: %w", engine.Explain(err)))
		return
	}
	defer rows.Close()
	for rows.Next() {
		s := Suppression{State: policy.Suppressed, Line: "it was suppressed when it was forgotten"}
		err := rows.Scan(&s.Digest, &s.Source, &s.Stream, engine.Text(&s.Scope), &s.Reason, engine.Text(&s.Class), engine.When(&s.Since), engine.When(&s.Expires))
		if err != nil {
			yield(s, fmt.Errorf("reading what was forgotten: %w", engine.Explain(err)))
			return
		}
		s.Key, s.LastSeen = s.Digest, s.Since
		// When it came onto the list is forgotten: it is carried whatever the day.
		if f.takes(judge.Change{At: f.Since, Source: s.Source, Stream: s.Stream, Reason: s.Reason, Class: s.Class}) && !yield(s, nil) {
			return
		}
	}
	if err := rows.Err(); err != nil {
		yield(Suppression{}, fmt.Errorf("reading what was forgotten: %w", engine.Explain(err)))
	}
}
