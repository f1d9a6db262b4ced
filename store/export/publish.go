package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"harvester/store"
	"harvester/store/policy"
)

// Publish writes the file of t from the list in db, narrowed by t.Filter, and
// records a new content under its generation. It fails with store.ErrStopped,
// and leaves the file as it is, while the guard keeps the exports still.
func Publish(ctx context.Context, db *store.DB, t Target) (Result, error) {
	if err := db.MayExport(ctx); err != nil {
		return Result{}, fmt.Errorf("exporting %s: %w", t.Name, err)
	}
	last, err := db.LastExport(ctx, t.Name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Result{}, fmt.Errorf("exporting %s: %w", t.Name, err)
	}
	if t.Generation, err = db.LastGeneration(ctx, t.Name); err != nil {
		return Result{}, fmt.Errorf("exporting %s: %w", t.Name, err)
	}
	if t.Policy == "" {
		t.Policy = policyVersion(db.Policy())
	}
	// Read before the list: what changes in between is told twice, never lost.
	mark, err := db.ListMark(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("exporting %s: %w", t.Name, err)
	}
	res, err := Write(ctx, db.Suppressions(ctx, t.Filter), t)
	if err != nil {
		return Result{}, err
	}
	// Also when a crash came between the file and the record of it.
	if res.Changed || res.Generation > t.Generation || res.SHA256 != last.SHA256 {
		_, err = db.RecordExport(ctx, store.Export{Name: t.Name, Profile: t.Profile.Name, Path: t.Path, Rows: res.Rows, Bytes: res.Bytes, SHA256: res.SHA256})
		if err != nil {
			return res, fmt.Errorf("exporting %s: %w", t.Name, err)
		}
	}
	if err := db.MarkExport(ctx, t.Name, res.Generation, mark); err != nil {
		return res, fmt.Errorf("exporting %s: %w", t.Name, err)
	}
	return res, nil
}

// policyVersion names a policy table by its content.
func policyVersion(t policy.Table) string {
	h := sha256.New()
	for _, l := range t.Lines("") {
		fmt.Fprintln(h, l)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}
