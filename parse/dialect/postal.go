package dialect

// Postal names the recipient and gives no reason (app/views/bounce).
func (layouts) Postal() Dialect {
	return Dialect{
		Name:  "postal",
		Marks: []Mark{{"this is the mail delivery service responsible for delivering mail"}, {"subject: mail delivery failed (", "mail delivery service"}},
		Read:  form{Label: []string{"rcpt to"}, Final: true}.read,
	}
}
