package dialect

// SES is Amazon SES: the wrapper names whom we sent to, also where another
// system's notice follows in the same part.
func (layouts) SES() Dialect {
	return Dialect{
		Name: "amazonses",
		Marks: []Mark{
			{"an error occurred while trying to deliver the mail to the following recipients"},
			{"amazonses.com", "subject: delivery status notification"},
			{"reporting-mta: dns;", "amazonses.com"},
			{"this message could not be delivered.", "amazonses"},
		},
		Read: form{
			List:     []string{"an error occurred while trying to deliver the mail to the following recipients"},
			Sentence: []string{"the following message to"},
			Reply:    []string{"the reason for the problem:"},
			Final:    true,
		}.read,
	}
}
