package dialect

// GroupWise is the Novell/Micro Focus GroupWise Internet Agent.
func (layouts) GroupWise() Dialect {
	return Dialect{
		Name:  "groupwise",
		Marks: []Mark{{"the attached file had the following undeliverable recipient"}, {"subject: message status - undeliverable"}},
		Read: form{
			List:  []string{"undeliverable recipient(s):", "undeliverable recipient"},
			Reply: []string{"response"},
			Final: true,
		}.read,
	}
}
