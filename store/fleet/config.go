package fleet

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"harvester/store/engine"
)

// ErrDiffers says that a configuration is not the one that all judge by.
var ErrDiffers = errors.New("this configuration is not the one that the workers judge by: make it the same, or have it apply to all with \"harvester config adopt\"")

// metaConfig is under what the configuration of the database is kept.
const metaConfig = "fleet configuration"

// AskConfig is what Differing asks.
var AskConfig = engine.Ask{Query: `SELECT value FROM meta WHERE name = ?`, Args: []any{metaConfig}}

// Differing are the parts in which a configuration differs from that of the
// database; none where the database has none yet.
func Differing(ctx context.Context, q engine.Querier, config map[string]string) ([]string, error) {
	var text string
	err := q.QueryRowContext(ctx, AskConfig.Query, AskConfig.Args...).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the configuration of the workers: %w", engine.Explain(err))
	}
	var theirs map[string]string
	if json.Unmarshal([]byte(text), &theirs) != nil {
		return nil, nil // a damaged mark is none
	}
	var out []string
	for part := range maps.Keys(config) {
		if config[part] != theirs[part] {
			out = append(out, part)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Adopt makes a configuration the one that all judge by.
func Adopt(ctx context.Context, db *engine.DB, config map[string]string) error {
	return adopt(ctx, db, config, `INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`)
}

// adoptFirst is Adopt where there is none yet.
func adoptFirst(ctx context.Context, db *engine.DB, config map[string]string) error {
	return adopt(ctx, db, config, `INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING`)
}

func adopt(ctx context.Context, db *engine.DB, config map[string]string, statement string) error {
	text, err := json.Marshal(config)
	if err != nil {
		return err
	}
	return db.Beside(ctx, "adopting a configuration", func(t *engine.Tx) error {
		_, err := t.Exec(statement, metaConfig, string(text))
		return err
	})
}

// Same fails with ErrDiffers, and names the parts, unless a configuration is the
// one that all judge by.
func Same(ctx context.Context, q engine.Querier, config map[string]string) error {
	parts, err := Differing(ctx, q, config)
	if err == nil && len(parts) > 0 {
		err = fmt.Errorf("%w (it differs in %s)", ErrDiffers, strings.Join(parts, ", "))
	}
	return err
}
