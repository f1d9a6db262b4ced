package query

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"harvester/parse/bounce"
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

// Returned are mails from one domain of ours that came back, or that somebody
// complained of, alike in all that stands here.
type Returned struct {
	N            int
	Complaint    bool
	Reason       bounce.Reason
	ReturnPath   string
	DKIM         []string
	ListID       string
	Unsubscribe  string // how it lets people unsubscribe; "" where that is not known
	Named        string // address or selector
	ReportingMTA string
	Diagnostic   string // of refusals for want of TLS
}

// maxReturned bounds the different ones that are told.
const maxReturned = 5000

// ReturnedFrom gathers what came back of a domain of ours since a time and is
// proven to be ours, the most frequent first.
func (db Incidents) ReturnedFrom(ctx context.Context, domain string, since time.Time) ([]Returned, error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT count(*), e.kind = `+engine.Word(bounce.KindComplaint)+`, e.reason, m.original_return_path, m.dkim, m.list_id, m.unsubscribe, e.named, m.reporting_mta,
 CASE WHEN e.reason = `+engine.Word(bounce.TLSFailed)+` THEN e.diagnostic ELSE '' END
 FROM events e JOIN messages m ON m.id = e.message
 WHERE e.at >= ? AND e.proof <> 'none' AND e.duplicate_of IS NULL AND e.kind IN `+engine.Words(bounce.KindBounce, bounce.KindComplaint)+` AND lower(m.original_from) LIKE ?
 GROUP BY 2, 3, 4, 5, 6, 7, 8, 9, 10 ORDER BY 1 DESC LIMIT ?`, since.UnixMilli(), "%@"+domain, maxReturned)
	if err != nil {
		return nil, fmt.Errorf("reading what came back of a domain: %w", engine.Explain(err))
	}
	var out []Returned
	err = engine.Each(rows, func(rows *sql.Rows) error {
		var r Returned
		var reason, dkim string
		if err := rows.Scan(&r.N, &r.Complaint, &reason, &r.ReturnPath, &dkim, &r.ListID, &r.Unsubscribe, &r.Named, &r.ReportingMTA, &r.Diagnostic); err != nil {
			return err
		}
		if dkim != "" {
			if err := json.Unmarshal([]byte(dkim), &r.DKIM); err != nil {
				return err
			}
		}
		if err := r.Reason.UnmarshalText([]byte(reason)); err != nil {
			return err
		}
		out = append(out, r)
		return nil
	})
	return out, err
}
