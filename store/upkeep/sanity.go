package upkeep

import (
	"context"
	"database/sql"
	"fmt"
	"harvester/store/engine"
	"time"
)

// skew is how far a stored time may be ahead of the clock.
const skew = 5 * time.Minute

// Doubts returns what in the stored facts contradicts itself or the clock, a
// sentence each; none when all is well.
func (db Upkeep) Doubts(ctx context.Context) ([]string, error) {
	var doubts []string
	ahead := db.Now().Add(skew).UnixMilli()
	for _, q := range []struct {
		query string // of text, a row for each doubt
		args  []any
	}{
		// The cursor is stored with the messages that it has passed.
		{`SELECT 'the cursor of ' || c.mailbox || '/' || c.folder || ' stands at UID ' || c.last_uid || ', but UID ' || max(l.uid) || ' is stored: mail is read again, and counted once'
   FROM cursors c JOIN locators l ON l.mailbox = c.mailbox AND l.folder = c.folder AND l.uidvalidity = c.uidvalidity AND l.uid > c.last_uid GROUP BY c.mailbox, c.folder`, nil},
		{`SELECT 'the cursor of ' || mailbox || '/' || folder || ' was stored at ' || datetime(at / 1000, 'unixepoch') || ' UTC, which is still to come: the clock was set back'
   FROM cursors WHERE at > ?`, []any{ahead}},
		{`SELECT 'the last message was stored at ' || datetime(max(harvested) / 1000, 'unixepoch') || ' UTC, which is still to come: the clock was set back'
   FROM messages HAVING max(harvested) > ?`, []any{ahead}},
		{`SELECT 'places of messages that are marked as stored while no message is: ' || count(*) FROM locators WHERE state = 'stored' AND message IS NULL HAVING count(*) > 0`, nil},
		{`SELECT 'entries of the list that rest on events that are not there: ' || count(*) FROM suppressions s
   WHERE s.event IS NOT NULL AND NOT EXISTS (SELECT 1 FROM events e WHERE e.id = s.event) HAVING count(*) > 0`, nil},
		{`SELECT 'the list is said to have ' || s.n || ' rows, and has ' || l.n FROM (SELECT ifnull(sum(n), 0) AS n FROM standing) s, (SELECT count(*) AS n FROM suppressions) l WHERE s.n <> l.n`, nil},
		{`SELECT 'entries of the list that rest on acts of an operator that are not there: ' || count(*) FROM suppressions s
   WHERE s.override IS NOT NULL AND NOT EXISTS (SELECT 1 FROM overrides o WHERE o.id = s.override) HAVING count(*) > 0`, nil},
	} {
		rows, err := db.Read.QueryContext(ctx, q.query, q.args...)
		if err == nil {
			err = engine.Each(rows, func(rows *sql.Rows) error {
				var doubt string
				err := rows.Scan(&doubt)
				doubts = append(doubts, doubt)
				return err
			})
		}
		if err != nil {
			return doubts, fmt.Errorf("looking for contradictions: %w", engine.Explain(err))
		}
	}
	return doubts, nil
}
