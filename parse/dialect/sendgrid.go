package dialect

// SendGrid forwards bounces from a sender that is not null.
func (layouts) SendGrid() Dialect {
	return Dialect{
		Name:  "sendgrid",
		Marks: []Mark{{"this is an automatically generated message from sendgrid"}},
		Read:  form{Label: []string{"final-recipient", "original-recipient"}, Sentence: []string{"message to", "delivered to"}, Reply: []string{"diagnostic-code"}, Final: true}.read,
	}
}
