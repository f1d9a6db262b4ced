package facts

import (
	"crypto/sha256"

	"harvester/store/engine"
	"harvester/store/policy"
)

const (
	selectLast   = `SELECT (SELECT ifnull(max(id), 0) FROM messages), (SELECT ifnull(max(id), 0) FROM events)`
	selectTraits = `SELECT key, concern, operator, forgeable FROM events WHERE message = ?`
)

// AsksOfStoring are what Store asks, whatever is stored.
func AsksOfStoring() []engine.Ask {
	return []engine.Ask{{Query: selectLast}, {Query: SelectSecret}, {Query: selectAnySent}}
}

// askItems asks ahead what is asked for each of some messages.
func (w *Writing) askItems(items []Item, known map[[sha256.Size]byte]*content) error {
	if !w.Far() {
		return nil
	}
	if err := w.loadSecret(); err != nil {
		return err
	}
	if err := w.seeLedger(); err != nil {
		return err
	}
	var asks []engine.Ask
	for i := range items {
		m, res := &items[i].Message, &items[i].Result
		if m.Gone || m.Poison != nil {
			continue
		}
		addresses := []string{res.From}
		for r := range res.Recipients {
			addresses = append(addresses, res.Recipients[r].Recipient)
		}
		if c := known[m.Hash]; c != nil {
			if arrival(*m, *res, w.Now, w.Known).UnixMilli() < c.at {
				asks = append(asks, engine.Ask{Query: selectTraits, Args: []any{c.id}})
			}
		} else if id := BareID(res.Original.MessageID); w.ledger && id != "" {
			for _, a := range addresses[1:] {
				if key := keyOf(a); key != "" {
					asks = append(asks, engine.Ask{Query: selectSent, Args: []any{ledgerID(id, key)}})
				}
			}
		}
		for _, a := range addresses {
			if key := policy.Key(a); w.secretKey != nil && key != "" {
				asks = append(asks, engine.Ask{Query: selectForgotten, Args: []any{Tombstone(w.secretKey, key)}})
			}
		}
	}
	return w.Ahead(asks...)
}
