package judge

import (
	"context"
	"strings"

	"harvester/parse/bounce"
	"harvester/store/engine"
	"harvester/store/facts"
)

// KeepLife is KeepDNS for recipients' domains (LifeType), and judges anew who
// failed as unknown there.
func (db *Judge) KeepLife(ctx context.Context, seen []facts.DNSRecord) (facts.Outcome, error) {
	var out facts.Outcome
	err := db.decide(ctx, "keeping how domains are", func(w *Judging) error {
		if err := facts.KeepDNS(w.Tx, seen); err != nil {
			return err
		}
		keys := map[string]bool{}
		for _, r := range seen {
			rows, err := w.SQL.QueryContext(ctx, `SELECT DISTINCT key FROM events WHERE reason = `+engine.Word(bounce.DomainUnknown)+` AND domain = ?`, strings.TrimSuffix(r.Name, "."))
			if err != nil {
				return err
			}
			if err := engine.AddKeys(rows, keys); err != nil {
				return err
			}
		}
		if err := w.refold(keys); err != nil {
			return err
		}
		out = w.Out
		return w.guard()
	})
	return out, err
}

// ownLook is what our own look-up says against a domain that failed as unknown:
// it lives, or was seen dead for less than a day. One that is older than a week
// before the failure says nothing.
var ownLook = `CASE WHEN e.reason = ` + engine.Word(bounce.DomainUnknown) + ` THEN ifnull((SELECT
 CASE WHEN d.state <> 'nxdomain' THEN 'our own look-up found the domain alive: held back'
  WHEN d.last - d.first < 86400000 THEN 'our own look-up has seen the domain dead on one day only: held back' ELSE '' END
 FROM dns_records d WHERE d.name = e.domain || '.' AND d.type = 'LIFE' AND d.last >= e.at - 604800000 ORDER BY d.last DESC, d.id DESC LIMIT 1), '') ELSE '' END`
