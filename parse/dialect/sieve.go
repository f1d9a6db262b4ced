package dialect

import (
	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Sieve refusals and over-quota notices of Dovecot (LDA, LMTP, Pigeonhole) and
// Cyrus: the recipient's own server answers after it took the mail (RFC 5429).
func sieve() Dialect {
	return Dialect{
		Name: "sieve",
		Marks: []Mark{
			{"your message to", "was automatically rejected:"},
			{"your message was automatically rejected by sieve"},
			{"x-sieve-action: reject"},
			{"auto-submitted: auto-replied (rejected)"},
		},
		Read: func(m *view.Mail) *notice.Notice {
			n := form{
				Sentence: []string{"your message to"},
				Reply:    []string{"was automatically rejected:", "your message to", "the following reason was given"},
				Final:    true,
			}.read(m)
			if n != nil || m.Receipt == nil {
				return n
			}
			// QUIRK: Cyrus and Pigeonhole dress the refusal as a receipt (RFC 8098).
			addr, _, _ := notice.FindAddress(m.Receipt.Get("Final-Recipient"))
			mailed, _, _ := notice.FindAddress(m.Receipt.Get("Original-Recipient"))
			if addr == "" {
				return nil
			}
			ls := notice.Lines(m.Text)
			i := max(0, notice.After(ls, "the following reason was given"))
			reply, _ := notice.Block(ls, notice.SkipBlank(ls, i), nil)
			return &notice.Notice{Kind: bounce.KindBounce, Failures: []notice.Failure{{Address: addr, Mailed: mailed, Reply: reply}}}
		},
	}
}
