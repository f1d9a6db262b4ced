package query

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"harvester/parse/bounce"
	"harvester/store/engine"
	"time"
)

// StoredClaim is what one failure says of its cause, with what is known of the
// mail.
type StoredClaim struct {
	Message      int64
	Key          string // of the address that failed
	At           time.Time
	Reason       bounce.Reason
	Status       string
	Diagnostic   string
	Named        string // address or selector
	RemoteMTA    string
	Operator     string // who runs it
	ReportingMTA string
	Domain       string // the recipient's
	From         string
	ReturnPath   string
	DeliveredTo  string
	DKIM         []string
}

// Cost is how much failed, and since when.
type Cost struct {
	Mails, Addresses, Receivers int
	Since                       time.Time
}

// maxClaims bounds the failures of one cause that are looked at.
const maxClaims = 500

// Claims are the failures of an incident since a time, the latest first, and
// what they cost. Those that nothing proves to be ours are left out of the
// first: anybody can make us look up what he likes with a forged notice.
func (db Incidents) Claims(ctx context.Context, incident string, since time.Time) ([]StoredClaim, Cost, error) {
	cond, args := causedBy(incident)
	list, cost, err := db.claims(ctx, cond, args[0], since)
	if err != nil {
		return nil, cost, fmt.Errorf("reading what an incident claims: %w", engine.Explain(err))
	}
	return list, cost, nil
}

// DomainClaims are the failures that say of a recipient's domain that it does
// not exist, that its mail is passed on by nobody or by a way that leads
// nowhere, or that its administrator lets no strangers in.
func (db Incidents) DomainClaims(ctx context.Context, domain string, since time.Time) ([]StoredClaim, error) {
	list, _, err := db.claims(ctx, `e.reason IN `+engine.Words(bounce.DomainUnknown, bounce.RelayDenied, bounce.RoutingFailed, bounce.RecipientRestricted)+` AND e.domain = ?`, domain, since)
	if err != nil {
		return nil, fmt.Errorf("reading what is said of a domain: %w", engine.Explain(err))
	}
	return list, nil
}

func (db Incidents) claims(ctx context.Context, cond string, arg any, since time.Time) ([]StoredClaim, Cost, error) {
	var cost Cost
	from := since.UnixMilli()
	err := db.Read.QueryRowContext(ctx, `SELECT count(*), count(DISTINCT key), count(DISTINCT operator), min(at) FROM events e
 WHERE `+cond+` AND at >= ? AND duplicate_of IS NULL`, arg, from).Scan(&cost.Mails, &cost.Addresses, &cost.Receivers, engine.When(&cost.Since))
	if err != nil {
		return nil, cost, err
	}
	rows, err := db.Read.QueryContext(ctx, `SELECT e.message, e.key, e.at, e.reason, e.status, e.diagnostic, e.named, e.remote_mta, e.operator, m.reporting_mta, e.domain,
 m.original_from, m.original_return_path, m.delivered_to, m.dkim FROM events e JOIN messages m ON m.id = e.message
 WHERE `+cond+` AND e.at >= ? AND e.duplicate_of IS NULL AND e.proof <> 'none' ORDER BY e.at DESC, e.id DESC LIMIT ?`, arg, from, maxClaims)
	if err != nil {
		return nil, cost, err
	}
	var out []StoredClaim
	return out, cost, engine.Each(rows, func(rows *sql.Rows) error {
		var c StoredClaim
		var reason, dkim string
		if err := rows.Scan(&c.Message, &c.Key, engine.When(&c.At), &reason, &c.Status, &c.Diagnostic, &c.Named, &c.RemoteMTA, &c.Operator, &c.ReportingMTA, &c.Domain,
			&c.From, &c.ReturnPath, &c.DeliveredTo, &dkim); err != nil {
			return err
		}
		if dkim != "" {
			if err := json.Unmarshal([]byte(dkim), &c.DKIM); err != nil {
				return err
			}
		}
		if err := c.Reason.UnmarshalText([]byte(reason)); err != nil {
			return err
		}
		out = append(out, c)
		return nil
	})
}

// UnknownDomains are recipients' domains that failed as unknown since a time,
// those with the most addresses first.
func (db Incidents) UnknownDomains(ctx context.Context, since time.Time, limit int) ([]string, error) {
	rows, err := db.Read.QueryContext(ctx, `SELECT domain FROM events WHERE reason = `+engine.Word(bounce.DomainUnknown)+` AND at >= ? AND proof <> 'none' AND domain <> ''
 GROUP BY domain ORDER BY count(DISTINCT key) DESC, domain LIMIT ?`, since.UnixMilli(), limit)
	if err != nil {
		return nil, fmt.Errorf("reading the domains that failed: %w", engine.Explain(err))
	}
	var out []string
	return out, engine.Each(rows, func(rows *sql.Rows) error {
		var d string
		err := rows.Scan(&d)
		out = append(out, d)
		return err
	})
}
