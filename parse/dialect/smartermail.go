package dialect

// SmarterMail gives recipient and reason in two rows.
func (layouts) SmarterMail() Dialect {
	return Dialect{
		Name:  "smartermail",
		Marks: []Mark{{"could not deliver message to the following recipient(s)", "failed recipient:"}},
		Read:  form{Label: []string{"failed recipient"}, Reply: []string{"reason"}, Final: true}.read,
	}
}
