package query

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/scrub"
	"harvester/store/engine"
)

// Cluster is what nobody understood, in one template.
type Cluster struct {
	Template string    `json:"template"` // with what differs masked: nobody is named
	Kind     string    `json:"kind"`     // unclassified (a reply without a meaning) or unparsed (a mail that names nobody), refused (an address that can't have been mailed)
	Count    int       `json:"count"`
	Domains  int       `json:"domains"` // of the recipients, or of the senders of mail that is unparsed or refused
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Vendor   string    `json:"vendor,omitempty"`
	Dialect  string    `json:"dialect,omitempty"`
	Messages []int64   `json:"messages"` // the newest, up to five: Raw reads them
	Phrase   string    `json:"phrase"`   // what a rule could look for
	Hits     []Hit     `json:"hits"`     // where the phrase stands in all history, by reason
}

// Hit is how often a phrase stands in replies that have a meaning already. Any
// but unclassified is a collision to look at before the phrase becomes a rule.
type Hit struct {
	Reason string `json:"reason"`
	N      int    `json:"n"`
	Rule   string `json:"rule"` // one that answered there
}

// Triage returns what came in since and was not understood, most frequent
// first, at most limit clusters.
func (db Notices) Triage(ctx context.Context, since time.Time, limit int) ([]Cluster, error) {
	out, err := db.triage(ctx, since, limit)
	if err != nil {
		return nil, fmt.Errorf("clustering what was not understood: %w", engine.Explain(err))
	}
	return out, nil
}

func (db Notices) triage(ctx context.Context, since time.Time, limit int) ([]Cluster, error) {
	tx, err := db.Read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // one snapshot
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // it only read
	rows, err := tx.QueryContext(ctx, `SELECT `+engine.Word(bounce.Unclassified)+`, e.message, e.at, e.diagnostic, e.domain, e.vendor, m.dialect, '' FROM events e JOIN messages m ON m.id = e.message
  WHERE e.reason = `+engine.Word(bounce.Unclassified)+` AND e.action = 'failed' AND e.at >= ?1
 UNION ALL SELECT 'unparsed', id, at, subject || CASE WHEN hint <> '' THEN ': ' || hint ELSE '' END, substr(sender, instr(sender, '@') + 1), '', dialect, '' FROM messages WHERE kind = 'unparsed' AND at >= ?1
 UNION ALL SELECT 'refused', id, at, '', substr(sender, instr(sender, '@') + 1), '', dialect, notes FROM messages WHERE at >= ?1 AND instr(notes, ?2) > 0
 ORDER BY 3 DESC, 2 DESC`, since.UnixMilli(), parse.RefusedMark)
	if err != nil {
		return nil, err
	}
	clusters := map[[2]string]*Cluster{}
	domains := map[[2]string]map[string]bool{}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var kind, text, domain, vendor, dialect, notes string
		var message int64
		var at time.Time
		if err := rows.Scan(&kind, &message, engine.When(&at), &text, &domain, &vendor, &dialect, &notes); err != nil {
			return err
		}
		if kind == "refused" {
			var all []string
			if err := json.Unmarshal([]byte(notes), &all); err != nil {
				return fmt.Errorf("the notes of message %d: %w", message, err)
			}
			i := slices.IndexFunc(all, parse.Refused)
			if i < 0 {
				return nil
			}
			text, _, _ = strings.Cut(all[i], `: "`) // without the address
		}
		k := [2]string{kind, scrub.Template(text)}
		c := clusters[k]
		if c == nil {
			c = &Cluster{Template: k[1], Kind: kind, Last: at, Vendor: vendor, Dialect: dialect, Phrase: scrub.Phrase(k[1]), Hits: []Hit{}}
			clusters[k], domains[k] = c, map[string]bool{}
		}
		c.Count++
		c.First = at
		domains[k][domain] = true
		if len(c.Messages) < 5 && !slices.Contains(c.Messages, message) {
			c.Messages = append(c.Messages, message)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []Cluster
	for k, c := range clusters {
		c.Domains = len(domains[k])
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Cluster) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(b.Domains, a.Domains), strings.Compare(a.Template, b.Template), strings.Compare(a.Kind, b.Kind))
	})
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	for i := range out {
		if err := out[i].hits(ctx, tx); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// hits looks for the phrase in all stored replies.
func (c *Cluster) hits(ctx context.Context, q engine.Querier) error {
	if c.Kind != bounce.Unclassified.String() || len(c.Phrase) < 8 {
		return nil
	}
	rows, err := q.QueryContext(ctx, `SELECT reason, count(*), max(rule) FROM events WHERE action = 'failed' AND instr(lower(diagnostic), ?) > 0 GROUP BY reason ORDER BY 2 DESC, 1`, c.Phrase)
	if err != nil {
		return err
	}
	return engine.Each(rows, func(rows *sql.Rows) error {
		var h Hit
		err := rows.Scan(&h.Reason, &h.N, &h.Rule)
		c.Hits = append(c.Hits, h)
		return err
	})
}

// Puzzle returns a reply of a message that has no meaning yet. It fails with
// ErrNotFound when there is none.
func (db Notices) Puzzle(ctx context.Context, message int64) (diagnostic string, err error) {
	err = db.Read.QueryRowContext(ctx, `SELECT diagnostic FROM events WHERE message = ? AND reason = `+engine.Word(bounce.Unclassified)+` AND action = 'failed' AND diagnostic <> '' ORDER BY idx LIMIT 1`,
		message).Scan(&diagnostic)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("a reply without a meaning in message %d: %w", message, engine.ErrNotFound)
	}
	if err != nil {
		return "", fmt.Errorf("reading message %d: %w", message, engine.Explain(err))
	}
	return diagnostic, nil
}

// Raw returns the kept original of a message that nobody understood: its first
// 256 KiB, as harvested. It fails with ErrNotFound when none is kept.
func (db Notices) Raw(ctx context.Context, message int64) ([]byte, error) {
	var data []byte
	err := db.Read.QueryRowContext(ctx, `SELECT data FROM raws WHERE message = ?`, message).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("an original of message %d: %w", message, engine.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the original of message %d: %w", message, engine.Explain(err))
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	raw, err := z.DecodeAll(data, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the original of message %d: %w", message, err)
	}
	return raw, nil
}
