package query

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"harvester/store/engine"
	"harvester/store/policy"
	"slices"
	"time"
)

// SeenOfUs is what the mail that came back shows of those who sent it.
type SeenOfUs struct {
	Mails     int
	Domains   []string // of From and return path
	Named     []NamedAt
	Selectors []string // "s1._domainkey.example.org"
}

// NamedAt is an address that a reply named, and the host that reported it.
type NamedAt struct{ IP, ReportingMTA string }

// SeenOfUs gathers what came back since a time, of the mail that is proven to
// be ours.
func (db Incidents) SeenOfUs(ctx context.Context, since time.Time) (SeenOfUs, error) {
	var s SeenOfUs
	rows, err := db.Read.QueryContext(ctx, `SELECT count(*), m.original_from, m.original_return_path, m.dkim, m.reporting_mta, e.named
 FROM events e JOIN messages m ON m.id = e.message WHERE e.at >= ? AND e.proof <> 'none'
 GROUP BY 2, 3, 4, 5, 6 ORDER BY 1 DESC, 2, 3, 4, 5, 6 LIMIT 50000`, since.UnixMilli())
	if err != nil {
		return s, fmt.Errorf("reading what came back: %w", engine.Explain(err))
	}
	add := func(list []string, v string) []string {
		if v == "" || slices.Contains(list, v) {
			return list
		}
		return append(list, v)
	}
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var n int
		var from, path, dkim string
		var at NamedAt
		if err := rows.Scan(&n, &from, &path, &dkim, &at.ReportingMTA, &at.IP); err != nil {
			return err
		}
		s.Mails += n
		s.Domains = add(add(s.Domains, policy.Domain(policy.Key(from))), policy.Domain(policy.Key(path)))
		if at.IP != "" && !slices.Contains(s.Named, at) {
			s.Named = append(s.Named, at)
		}
		if dkim == "" {
			return nil
		}
		var names []string
		err := json.Unmarshal([]byte(dkim), &names)
		for _, name := range names {
			s.Selectors = add(s.Selectors, name)
		}
		return err
	})
	if err != nil {
		return s, fmt.Errorf("reading what came back: %w", engine.Explain(err))
	}
	return s, nil
}
