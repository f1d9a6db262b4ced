package dialect

// KumoMTA writes one recipient a notice (crates/bounce).
func (layouts) KumoMTA() Dialect {
	return Dialect{
		Name:  "kumomta",
		Marks: []Mark{{"the message was received at", "and addressed to", "the message will be deleted from the queue"}, {"kumomta", "subject: returned mail"}},
		Read: form{
			Sentence: []string{"and addressed to"},
			Reply:    []string{"response", "status"},
			Final:    true,
		}.read,
	}
}
