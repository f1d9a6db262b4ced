package judge

import (
	"database/sql"
	"maps"
	"slices"
	"strconv"

	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/policy"
)

// What the edge of a domain says of one address means more while the domain's
// other addresses are being accepted.

var (
	edge     = "'" + policy.ConcernEdge + "'"
	accepted = "'" + policy.ConcernAccepted + "'"
	nearby   = strconv.FormatInt(policy.Nearby.Milliseconds(), 10)
)

// besideIndex is the index of both, and its definition.
const besideIndex = indexPrefix + "beside"

var (
	inBeside       = "concern IN (" + edge + ", " + accepted + ")" // in the words of the index, so that it serves
	indexingBeside = "CREATE INDEX " + besideIndex + " ON events (domain, concern, at) WHERE " + inBeside
)

// beside is since when another address of the domain was accepted near a
// failure at its edge; the empty text where none was.
var beside = `CASE WHEN e.concern = ` + edge + ` THEN ifnull((SELECT CAST(min(s.at) AS TEXT) FROM events s
 WHERE s.` + inBeside + ` AND s.concern = ` + accepted + ` AND s.domain = e.domain AND s.key <> e.key AND s.at > e.at - ` + nearby + ` AND s.at < e.at + ` + nearby + `), '') ELSE '' END`

// refusedNear finds the addresses of a domain that its edge refused between two times.
var refusedNear = `SELECT DISTINCT key FROM events WHERE ` + inBeside + ` AND concern = ` + edge + ` AND domain = ? AND at > ? AND at < ?`

// besides adds the addresses beside those that were seen to be accepted.
func (w *Judging) besides() error {
	type span struct{ first, last int64 }
	spans := map[string]span{} // of the acceptances of a domain
	for _, places := range [2][]facts.Place{w.Touched.New, w.Touched.Moved} {
		for _, p := range places {
			if p.Concern != policy.ConcernAccepted {
				continue
			}
			domain := p.Of(policy.ByDomain)
			x, ok := spans[domain]
			if !ok {
				x = span{p.At, p.At}
			}
			spans[domain] = span{min(x.first, p.At), max(x.last, p.At)}
		}
	}
	asks := make([]engine.Ask, 0, len(spans))
	for _, domain := range slices.Sorted(maps.Keys(spans)) {
		x := spans[domain]
		asks = append(asks, engine.Ask{Query: refusedNear, Args: []any{domain, x.first - policy.Nearby.Milliseconds(), x.last + policy.Nearby.Milliseconds()}})
	}
	return w.askAll(asks, func(_ int, rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		w.Touched.Keys[key] = true
		return err
	})
}
