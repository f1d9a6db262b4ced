package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"harvester/store/policy"
)

// Alarms are the troubles that were noticed, and what was told of them.
func (db *DB) Alarms(ctx context.Context) ([]policy.Alarm, error) {
	var value []byte
	err := db.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = 'alarms'`).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	var alarms []policy.Alarm
	if err == nil {
		err = json.Unmarshal(value, &alarms)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the alarms: %w", clear(err))
	}
	return alarms, nil
}

// KeepAlarms stores what Alarms returns.
func (db *DB) KeepAlarms(ctx context.Context, alarms []policy.Alarm) error {
	value, err := json.Marshal(alarms)
	if err != nil {
		return fmt.Errorf("keeping the alarms: %w", err)
	}
	return db.tx(ctx, "keeping the alarms", func(w *writing) error {
		_, err := w.tx.ExecContext(w.ctx, `INSERT OR REPLACE INTO meta (name, value) VALUES ('alarms', ?)`, string(value))
		return err
	})
}
