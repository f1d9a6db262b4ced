package dialect

// MailEnable writes `Recipient: [SMTP:addr]` rows.
func (layouts) MailEnable() Dialect {
	return Dialect{
		Name:  "mailenable",
		Marks: []Mark{{"mailenable: message could not be delivered"}, {"recipient: [smtp:"}},
		Read:  form{Label: []string{"recipient"}, Reply: []string{"reason"}, Final: true}.read,
	}
}
