package dialect

// IMail is Ipswitch IMail: reason and address on one line.
func (layouts) IMail() Dialect {
	return Dialect{
		Name:  "imail",
		Marks: []Mark{{"x-mailer: <smtp32"}, {"subject: undeliverable mail", "original message follows."}, {"body of message generated response:"}},
		Read: form{
			Sentence: []string{"unknown user:", "unknown host:", "user mailbox exceeds allowed size:", "invalid final delivery userid:", "undeliverable to", "delivery failed"},
			Reply:    []string{"body of message generated response:", "unknown user:", "unknown host:", "user mailbox exceeds allowed size:", "invalid final delivery userid:", "undeliverable to", "delivery failed"},
			Final:    true,
		}.read,
	}
}
