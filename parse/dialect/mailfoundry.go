package dialect

// MailFoundry appliances.
func (layouts) MailFoundry() Dialect {
	return Dialect{
		Name:  "mailfoundry",
		Marks: []Mark{{"(mailfoundry)"}, {"unable to deliver message to:", "delivery failed for the following reason:"}},
		Read:  form{Label: []string{"unable to deliver message to"}, Reply: []string{"delivery failed for the following reason:"}, Final: true}.read,
	}
}
