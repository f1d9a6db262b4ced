package facts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"harvester/store/engine"
	"harvester/store/policy"
)

// Import is one list of another system that was imported.
type Import struct {
	ID     int64     `json:"id"`
	At     time.Time `json:"at"`
	Name   string    `json:"name"`   // of the file
	Form   string    `json:"form"`   // by which it was read
	Reason string    `json:"reason"` // in the operator's words
	Author string    `json:"author"`
	Rows   int       `json:"rows"` // that stand in its name
	Ended  time.Time `json:"ended,omitzero"`

	Undone       time.Time `json:"undone,omitzero"`
	UndoneReason string    `json:"undone_reason,omitempty"`
	UndoneAuthor string    `json:"undone_author,omitempty"`
}

var importFields = []engine.Field[Import]{
	{Column: "i.id", To: func(i *Import) any { return &i.ID }},
	{Column: "i.at", To: func(i *Import) any { return engine.When(&i.At) }},
	{Column: "i.name", To: func(i *Import) any { return &i.Name }},
	{Column: "i.form", To: func(i *Import) any { return &i.Form }},
	{Column: "i.reason", To: func(i *Import) any { return &i.Reason }},
	{Column: "i.author", To: func(i *Import) any { return &i.Author }},
	{Column: "(SELECT count(*) FROM overrides o WHERE o.import = i.id AND o.undone = 0)", To: func(i *Import) any { return &i.Rows }},
	{Column: "i.ended", To: func(i *Import) any { return engine.When(&i.Ended) }},
	{Column: "i.undone", To: func(i *Import) any { return engine.When(&i.Undone) }},
	{Column: "i.undone_reason", To: func(i *Import) any { return &i.UndoneReason }},
	{Column: "i.undone_author", To: func(i *Import) any { return &i.UndoneAuthor }},
}

// Imports are all lists that were imported, oldest first.
func (db Acts) Imports(ctx context.Context) ([]Import, error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT `+engine.Names(importFields)+` FROM imports i ORDER BY i.id`)
	if err != nil {
		return nil, fmt.Errorf("reading the imports: %w", engine.Explain(err))
	}
	var out []Import
	var i Import
	to := engine.Targets(importFields, &i)
	err = engine.Each(rows, func(rows *sql.Rows) error {
		err := rows.Scan(to...)
		out = append(out, i)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the imports: %w", engine.Explain(err))
	}
	return out, nil
}

// BeginImport notes that a list is being imported, and returns its number.
func (w *Writing) BeginImport(i *Import) (int64, error) {
	var id int64
	err := w.Row(`INSERT INTO imports (at, name, form, reason, author) VALUES (?,?,?,?,?) RETURNING id`, []any{w.Now.UnixMilli(), i.Name, i.Form, i.Reason, i.Author}, &id)
	return id, err
}

// EndImport notes the end of a step that changed the list. An import that
// brought nothing leaves no trace.
func (w *Writing) EndImport(id int64, empty bool) error {
	if empty {
		_, err := w.Exec(`DELETE FROM imports WHERE id = ? AND NOT EXISTS (SELECT 1 FROM overrides WHERE import = imports.id)`, id)
		return err
	}
	_, err := w.Exec(`UPDATE imports SET ended = ? WHERE id = ?`, w.Now.UnixMilli(), id)
	return err
}

// PutEntries writes entries of a list, and sets their numbers.
func (w *Writing) PutEntries(entries []policy.Override) error {
	if len(entries) == 0 {
		return nil
	}
	var last int64
	if err := w.Row(`SELECT ifnull(max(id), 0) FROM overrides`, nil, &last); err != nil {
		return err
	}
	for i := range entries {
		entries[i].ID, entries[i].At = last+int64(i)+1, w.Now.Truncate(1e6)
	}
	return insertEntries.Rows(w.Tx, entries)
}

var insertEntries = engine.Insert[policy.Override]{Table: "overrides", Columns: []engine.Column[policy.Override]{
	{Name: "id", Of: func(o *policy.Override) any { return o.ID }},
	{Name: "at", Of: func(o *policy.Override) any { return o.At.UnixMilli() }},
	{Name: "act", Of: func(*policy.Override) any { return policy.Add.String() }},
	{Name: "pattern", Of: func(o *policy.Override) any { return o.Pattern }},
	{Name: "address", Of: func(o *policy.Override) any { return o.Address }},
	{Name: "until", Of: func(o *policy.Override) any { return engine.Millis(o.Until) }},
	{Name: "reason", Of: func(o *policy.Override) any { return o.Reason }},
	{Name: "author", Of: func(o *policy.Override) any { return o.Author }},
	{Name: "import", Of: func(o *policy.Override) any { return o.Entry.Import }},
	{Name: "source", Of: func(o *policy.Override) any { return o.Entry.Source.String() }},
	{Name: "cause", Of: func(o *policy.Override) any { return o.Entry.Cause.String() }},
	{Name: "since", Of: func(o *policy.Override) any { return engine.Millis(o.Entry.Since) }},
	{Name: "stream", Of: func(o *policy.Override) any { return o.Entry.Stream }},
}}

// UndoImport notes that an import is taken back. One that is on its way can be
// taken up again.
func (w *Writing) UndoImport(id int64, reason, author string) error {
	var undone sql.NullInt64
	err := w.Row(`SELECT undone FROM imports WHERE id = ?`, []any{id}, &undone)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("import %d: %w (see the list of imports)", id, engine.ErrNotFound)
	case err != nil || undone.Valid:
		return err
	}
	_, err = w.Exec(`UPDATE imports SET undone = ?, undone_reason = ?, undone_author = ? WHERE id = ?`, w.Now.UnixMilli(), reason, author, id)
	return err
}

// UndoEntries takes back the next entries of an import, at most as many as
// asked for, and returns whom they are about.
func (w *Writing) UndoEntries(id int64, most int) (map[string]bool, error) {
	rows, err := w.Query(`UPDATE overrides SET undone = 1 WHERE id IN (SELECT id FROM overrides WHERE import = ? AND undone = 0 ORDER BY id LIMIT ?) RETURNING pattern`, id, most)
	if err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	return keys, engine.AddKeys(rows, keys)
}
