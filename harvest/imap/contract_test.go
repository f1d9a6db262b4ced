package imap_test

import (
	"testing"

	"harvester/harvest"
	"harvester/harvest/harvesttest"
	"harvester/harvest/imap"
	"harvester/harvest/imap/imaptest"
)

var allDispositions = []harvest.Disposition{harvest.Seen, harvest.Move, harvest.Delete}

func sourceWith(c imap.Config) func(int, int64) harvest.Source {
	return func(batch int, most int64) harvest.Source {
		c.BatchMessages, c.MaxMessage = batch, most
		return imap.New(c)
	}
}

func TestContractMemory(t *testing.T) {
	harvesttest.Run(t, func(t *testing.T) harvesttest.Mailbox {
		s := startMem(t, 0)
		c := memConfig(s)
		c.ReadOnly = false
		return harvesttest.Mailbox{
			Source: sourceWith(c), Folder: "INBOX", Target: "Done", Can: allDispositions,
			Deliver: func(messages ...[]byte) {
				for _, m := range messages {
					if err := s.Append("INBOX", m); err != nil {
						t.Fatal(err)
					}
				}
			},
		}
	})
}

func TestContractDovecot(t *testing.T) {
	harvesttest.Run(t, func(t *testing.T) harvesttest.Mailbox {
		d := imaptest.Start(t, imaptest.Options{})
		return harvesttest.Mailbox{
			Source: sourceWith(dovecotConfig(d)), Folder: "INBOX", Target: "Done/2026", Can: allDispositions, RepeatsMove: true,
			Deliver: func(messages ...[]byte) { d.Deliver("INBOX", messages...) },
		}
	})
}

// A folder that is only examined keeps its mail whatever is asked.
func TestContractReadOnly(t *testing.T) {
	harvesttest.Run(t, func(t *testing.T) harvesttest.Mailbox {
		d := imaptest.Start(t, imaptest.Options{})
		c := dovecotConfig(d)
		c.ReadOnly = true
		return harvesttest.Mailbox{
			Source: sourceWith(c), Folder: "INBOX", RepeatsMove: true,
			Deliver: func(messages ...[]byte) { d.Deliver("INBOX", messages...) },
		}
	})
}
