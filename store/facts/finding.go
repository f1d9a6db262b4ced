package facts

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"harvester/store/engine"
	"slices"
	"strings"
	"time"
)

// WatchScope is the scope of findings that the watch over our own records made,
// without any failure.
const WatchScope = "watch"

// Finding is what a diagnosis found, as far as the database has to know it.
type Finding struct {
	Scope   string // id of an incident, or WatchScope
	ID      string // "spf.missing_ip"
	Subject string // domain, address, selector or list
	Verdict string
	Answer  string
	Owner   string // who must act
	Steps   []string
	Claimed []string        // who runs the servers that claim it
	Body    json.RawMessage // all of it
	Fault   bool            // something is to be mended
	Opened  time.Time       // since when the verdict stands
	Last    time.Time
	Closed  time.Time // zero: it stands
}

func (f *Finding) key() string { return f.Scope + "\x1f" + f.ID + "\x1f" + f.Subject }

// Incident is the id of the incident that it is about, or that it opened.
func (f *Finding) Incident() string {
	if f.Scope == WatchScope {
		return WatchScope + "." + f.ID + ":" + f.Subject
	}
	return f.Scope
}

// Watched tells whether an incident was opened by the watch.
func Watched(incident string) bool { return strings.HasPrefix(incident, WatchScope+".") }

// KeepFindings replaces the findings of a scope: those that are not among list
// any more are closed, not forgotten.
func (db Findings) KeepFindings(ctx context.Context, scope string, list []Finding) error {
	return db.Transact(ctx, "keeping what was found", func(w *engine.Tx) error {
		now := w.Now.UnixMilli()
		kept := []any{now, scope}
		marks := make([]string, 0, len(list))
		for i := range list {
			f := &list[i]
			f.Scope = scope
			_, err := w.SQL.ExecContext(ctx, `INSERT INTO findings (key, scope, finding, subject, verdict, answer, body, opened, last) VALUES (?,?,?,?,?,?,?,?,?)
 ON CONFLICT (key) DO UPDATE SET opened = CASE WHEN findings.verdict = excluded.verdict AND findings.closed IS NULL THEN findings.opened ELSE excluded.opened END,
 verdict = excluded.verdict, answer = excluded.answer, body = excluded.body, last = excluded.last, closed = NULL`,
				f.key(), scope, f.ID, f.Subject, f.Verdict, f.Answer, string(f.Body), now, now)
			if err != nil {
				return err
			}
			kept, marks = append(kept, f.key()), append(marks, "?")
		}
		query := `UPDATE findings SET closed = ? WHERE scope = ? AND closed IS NULL`
		if len(marks) > 0 {
			query += ` AND key NOT IN (` + strings.Join(marks, ",") + `)`
		}
		_, err := w.SQL.ExecContext(ctx, query, kept...)
		return err
	})
}

// Findings are what was found in a scope, "" for all, and stood at or after
// since: what stands first, then the latest.
func (db Findings) Findings(ctx context.Context, scope string, since time.Time) ([]Finding, error) {
	out, err := FindingsIn(ctx, db.Read, scope, since)
	if err != nil {
		return nil, fmt.Errorf("reading what was found: %w", engine.Explain(err))
	}
	return out, nil
}

// Refuted are the claims of a receiver that did not hold when they were looked
// at, and stood so at or after since: the mark that it bears.
func (db Findings) Refuted(ctx context.Context, operator string, since time.Time) ([]Finding, error) {
	all, err := db.Findings(ctx, "", since)
	return slices.DeleteFunc(all, func(f Finding) bool { return f.Verdict != "refuted" || !slices.Contains(f.Claimed, operator) }), err
}

// FindingsIn is Findings as one snapshot has them.
func FindingsIn(ctx context.Context, q engine.Querier, scope string, since time.Time) ([]Finding, error) {
	rows, err := q.QueryContext(ctx, `SELECT scope, finding, subject, verdict, answer, body, opened, last, closed FROM findings
 WHERE (? = '' OR scope = ?) AND (closed IS NULL OR closed >= ?) ORDER BY closed IS NOT NULL, last DESC, key`, scope, scope, since.UnixMilli())
	if err != nil {
		return nil, err
	}
	var out []Finding
	return out, engine.Each(rows, func(rows *sql.Rows) error {
		var f Finding
		var body string
		if err := rows.Scan(&f.Scope, &f.ID, &f.Subject, &f.Verdict, &f.Answer, &body, engine.When(&f.Opened), engine.When(&f.Last), engine.When(&f.Closed)); err != nil {
			return err
		}
		f.Body = json.RawMessage(body)
		var parts struct {
			Steps  []string `json:"steps"`
			Advice bool     `json:"advice"`
			Owner  string   `json:"owner"`
			Claim  struct {
				Operators []string `json:"operators"`
			} `json:"claim"`
			Records []struct {
				Zone string `json:"zone"`
			} `json:"records"`
		}
		if err := json.Unmarshal(f.Body, &parts); err != nil {
			return err
		}
		f.Owner, f.Claimed = parts.Owner, parts.Claim.Operators
		f.Steps, f.Fault = parts.Steps, f.Verdict == "confirmed" && !parts.Advice && parts.Owner != "nobody"
		for _, r := range parts.Records {
			if r.Zone != "" {
				f.Steps = append(f.Steps, r.Zone)
			}
		}
		out = append(out, f)
		return nil
	})
}
