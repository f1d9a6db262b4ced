package schedule

import (
	"fmt"

	"harvester/harvest"
	"harvester/parse"
	"harvester/store/facts"
)

// sentCopy is a message of a mailbox that holds copies of what was sent, or why
// it is none.
type sentCopy struct {
	facts.Copy
	err error
}

// readCopies reads a batch of such a mailbox.
func (v *visit) readCopies(b harvest.Batch) understood {
	u := understood{cursor: b.Cursor}
	for _, m := range b.Messages {
		if m.Gone || m.Poison != nil {
			u.items = append(u.items, facts.Item{Message: m})
			continue
		}
		c := sentCopy{Copy: facts.Copy{Message: m}}
		c.Copy.Copy, c.err = parse.ReadCopy(m.Raw, v.Parse)
		u.copies = append(u.copies, c)
	}
	return u
}

// sort counts copies, and says what is to be settled and what is stored. What
// is none stays where it is: a person has to see it.
func (v *visit) sort(all []sentCopy) (todo []harvest.Settlement, copies []facts.Copy) {
	done := v.Settling.Done
	for i := range all {
		c := &all[i]
		v.tally.Read++
		v.tally.Bytes += c.Message.Size
		if c.err != nil {
			if v.tally.Useless++; v.tally.Useless == 1 {
				v.tally.Why = fmt.Sprintf("%s: %v", c.Message.Locator, c.err)
			}
			continue
		}
		v.tally.Copies++
		copies = append(copies, c.Copy)
		if done.Disposition != harvest.Keep {
			todo = append(todo, harvest.Settlement{Locator: c.Message.Locator, Disposition: done.Disposition, Target: done.Target})
		}
	}
	return todo, copies
}

// pass keeps the cursor behind copies. Nothing is stored of them that says what
// is left to settle: until they are settled they are read again, which changes
// nothing in the ledger.
func (v *visit) pass(b understood) error {
	if !v.Sent || v.Dry || len(v.refused) > 0 {
		return nil
	}
	_, err := v.Store.Judge.Commit(v.finish, facts.Batch{Cursor: b.cursor})
	return err
}
