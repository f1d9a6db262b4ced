package dialect

// WorkMail is Amazon WorkMail: the status fields again as plain text.
func (layouts) WorkMail() Dialect {
	return Dialect{
		Name:  "amazonworkmail",
		Marks: []Mark{{"x-mailer: amazon workmail"}, {"technical report:", "final-recipient:"}},
		Read:  form{Label: []string{"final-recipient", "original-recipient"}, Reply: []string{"diagnostic-code"}, Final: true}.read,
	}
}
