package judge

import (
	"fmt"
	"strings"

	"harvester/store/policy"
)

// The SQL of a concentration follows from its row in package policy.

// inConcern is the condition that its index has, too: the same words, so that
// SQLite finds that the index serves.
func inConcern(c *policy.Concentration) string {
	origin := "forgeable = ''"
	if c.Origin != "" {
		origin = "forgeable <> ''" // there is but one
	}
	if c.Concerns == nil {
		return origin
	}
	words := make([]string, len(c.Concerns))
	for i, w := range c.Concerns {
		words[i] = "'" + w + "'"
	}
	return origin + " AND concern IN (" + strings.Join(words, ", ") + ")"
}

const indexPrefix = "events_in_"

// indexOf is the index of a concentration, and its definition.
func indexOf(c *policy.Concentration) (name, definition string) {
	all := policy.Concentrations()
	for i := range all {
		if w := &all[i]; c.Concerns != nil && w.Concerns == nil && w.Origin == c.Origin && w.Subject == c.Subject && w.Member == c.Member {
			return indexOf(w) // it serves both
		}
	}
	name = indexPrefix + string(c.Kind)
	columns := []string{string(c.Subject), "at"}
	if c.Member != policy.ByKey {
		// Whether a member stood there before is asked by member; for addresses
		// their own index tells.
		columns = []string{string(c.Subject), string(c.Member), "at"}
	}
	return name, fmt.Sprintf("CREATE INDEX %s ON events (%s) WHERE %s", name, strings.Join(columns, ", "), inConcern(c))
}

// countBins counts bins of subjects; the parameter is a JSON array of arrays,
// each a subject and a bin.
func countBins(c *policy.Concentration) string {
	return fmt.Sprintf(`SELECT b.subject, b.bin, (SELECT count(DISTINCT %[1]s) FROM events WHERE %[2]s AND %[3]s = b.subject AND at >= b.bin * %[4]d AND at < (b.bin + 1) * %[4]d)
  FROM (SELECT t.value ->> 0 AS subject, CAST(t.value ->> 1 AS INTEGER) AS bin FROM json_each(?) t) b`,
		c.Member, inConcern(c), c.Subject, c.Width.Milliseconds())
}

// countAll counts all bins of the events of a table up to a time, in the order
// of subjects and bins.
func countAll(c *policy.Concentration, table string) string {
	return fmt.Sprintf(`SELECT %[1]s, at / %[2]d, count(DISTINCT %[3]s) FROM %[5]s WHERE %[4]s AND %[1]s <> '' AND at <= ? GROUP BY 1, 2 ORDER BY 1, 2`,
		c.Subject, c.Width.Milliseconds(), c.Member, inConcern(c), table)
}

// membersBefore finds which of some members, a JSON array, stood in a bin of a
// subject before an event.
func membersBefore(c *policy.Concentration) string {
	return fmt.Sprintf(`SELECT o.value FROM json_each(?) o WHERE EXISTS (SELECT 1 FROM events WHERE %s AND %s = ? AND %s = o.value AND at >= ? AND at < ? AND id < ?)`,
		inConcern(c), c.Subject, c.Member)
}

// addressesIn finds the addresses with an event of a subject between two times.
func addressesIn(c *policy.Concentration) string {
	return fmt.Sprintf(`SELECT DISTINCT key FROM events WHERE %s AND %s = ? AND at >= ? AND at < ?`, inConcern(c), c.Subject)
}
