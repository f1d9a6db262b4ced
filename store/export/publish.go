package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"harvester/parse/count"
	"harvester/store"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
)

// ErrOtherDatabase says that a file would shrink because its list stands in a
// database that is not this one. The file stays as it is.
var ErrOtherDatabase = errors.New("the file was written from another database")

// Publish writes the file of t from the list in db, narrowed by t.Filter, and
// records a new content under its generation. It fails with store.ErrStopped,
// and leaves the file as it is, while the guard keeps the exports still.
func Publish(ctx context.Context, db *store.DB, t Target) (Result, error) {
	t.heldBy(ctx, db)
	if err := db.Guard.MayExport(ctx); err != nil {
		return Result{}, fmt.Errorf("exporting %s: %w", t.Name, err)
	}
	last, err := db.Exports.LastExport(ctx, t.Name)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return Result{}, fmt.Errorf("exporting %s: %w", t.Name, err)
	}
	if errors.Is(err, engine.ErrNotFound) {
		if err := errors.Join(known(ctx, db, t), ready(ctx, db, t)); err != nil {
			return Result{}, fmt.Errorf("exporting %s: %w", t.Name, err)
		}
	}
	if t.Generation, err = db.Exports.LastGeneration(ctx, t.Name); err != nil {
		return Result{}, fmt.Errorf("exporting %s: %w", t.Name, err)
	}
	if t.Policy == "" {
		t.Policy = policyVersion(db.Judge.Ours.Policy)
	}
	marks, err := db.Exports.ExportMarks(ctx, t.Name)
	if err != nil {
		return Result{}, fmt.Errorf("exporting %s: %w", t.Name, err)
	}
	// Read before the list: what changes in between is told twice, never lost.
	state, err := db.List.ListState(ctx, t.Profile.form.depth())
	if err != nil {
		return Result{}, fmt.Errorf("exporting %s: %w", t.Name, err)
	}
	if res, ok := unchanged(&t, marks, state, last); ok {
		return res, nil
	}
	res, err := splice(ctx, db, &t, marks, state, last)
	if errors.Is(err, errWhole) {
		res, err = write(ctx, ahead(db.List.Suppressions(ctx, t.Reading())), &t)
	}
	if err != nil {
		return Result{}, fmt.Errorf("exporting %s: %w", t.Name, err)
	}
	// Also when a crash came between the file and the record of it.
	if res.Changed || res.Generation > t.Generation || res.SHA256 != last.SHA256 {
		_, err = db.Exports.RecordExport(ctx, facts.Export{Name: t.Name, Profile: t.Profile.Name, Path: t.Path, Rows: res.Rows, Bytes: res.Bytes, SHA256: res.SHA256})
		if err != nil {
			return res, fmt.Errorf("exporting %s: %w", t.Name, err)
		}
	}
	if err := db.Exports.MarkExport(ctx, t.Name, res.Generation, standing(&t, state), state); err != nil {
		return res, fmt.Errorf("exporting %s: %w", t.Name, err)
	}
	return res, nil
}

// known keeps a database that never wrote the file of t from emptying it: it is
// a new one, or another, and the list that other senders rely on is older.
func known(ctx context.Context, db *store.DB, t Target) error {
	m, err := ReadManifest(t.Path)
	if err != nil || m.Rows == 0 {
		return nil // nothing of ours stands there
	}
	rows := 0
	for _, err := range db.List.Suppressions(ctx, t.Reading()) {
		if err != nil {
			return err
		}
		if rows++; rows >= m.Rows {
			return nil
		}
	}
	return fmt.Errorf("%w: %s holds %s, and this database, which never wrote it, has %d (bring the old database back, or move the file and its manifest away to begin anew)", ErrOtherDatabase, t.Path, count.Of(m.Rows, "address"), rows)
}

// ErrUnread says that a first file would be empty because a mailbox was never
// read. There is none then: an empty one would tell everybody to mail.
var ErrUnread = errors.New("the list is empty as yet")

// ready keeps a first file from being written before there is anything to know.
func ready(ctx context.Context, db *store.DB, t Target) error {
	if len(t.Unread) == 0 {
		return nil
	}
	for e, err := range db.List.Suppressions(ctx, t.Reading()) {
		if err != nil || t.Profile.holds(&e) {
			return err
		}
	}
	return fmt.Errorf("%w, and nothing was ever read of the mailbox %s: there will be no file before (see \"harvester status\")", ErrUnread, strings.Join(t.Unread, ", "))
}

// policyVersion names a policy table by its content.
func policyVersion(t policy.Table) string {
	h := sha256.New()
	for _, l := range t.Lines("") {
		fmt.Fprintln(h, l)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}
