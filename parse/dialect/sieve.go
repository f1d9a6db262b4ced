package dialect

// Sieve refusals and over-quota notices of Dovecot (LDA, LMTP, Pigeonhole) and
// Cyrus: the recipient's own server answers after it took the mail (RFC 5429).
func (layouts) Sieve() Dialect {
	return Dialect{
		Name: "sieve",
		Marks: []Mark{
			{"your message to", "was automatically rejected:"},
			{"your message was automatically rejected by sieve"},
			{"x-sieve-action: reject"},
			{"auto-submitted: auto-replied (rejected)"},
		},
		Read: form{
			Sentence: []string{"your message to"},
			Reply:    []string{"was automatically rejected:", "your message to", "the following reason was given"},
			Final:    true,
		}.read,
	}
}
