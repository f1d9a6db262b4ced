package dialect

// MailMarshal (Trustwave, M86, Marshal) gives the reason before the addresses.
func (layouts) MailMarshal() Dialect {
	return Dialect{
		Name:  "mailmarshal",
		Marks: []Mark{{"the following recipients were affected:"}, {"subject: undeliverable mail: \"", "could not be delivered because of"}},
		Read:  form{List: []string{"the following recipients were affected:"}, Reply: []string{"could not be delivered because of"}, Host: []string{"remote-mta"}, Final: true}.read,
	}
}
