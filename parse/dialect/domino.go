package dialect

// Domino is HCL (IBM, Lotus) Domino: the reason stands below "because:" and
// again in the subject.
func (layouts) Domino() Dialect {
	return Dialect{
		Name: "domino",
		Marks: []Mark{
			{"subject: delivery failure:"}, {"subject: delivery_failure:"}, {"was not delivered to:", "because:"}, {"x-mailer: lotus domino", "was not delivered"}, {"diagnostic-code: x-notes"},
		},
		Read: form{
			List:  []string{"was not delivered to:"},
			Reply: []string{"because:"},
			Final: true,
		}.read,
	}
}
