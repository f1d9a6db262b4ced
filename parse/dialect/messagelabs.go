package dialect

// MessageLabs is Symantec Email Security.cloud.
func (layouts) MessageLabs() Dialect {
	return Dialect{
		Name:  "messagelabs",
		Marks: []Mark{{"i was unable to deliver your message to the following addresses"}, {"mailer-daemon@messagelabs.com"}},
		Read:  form{List: []string{"i was unable to deliver your message to the following addresses"}, Reply: []string{"reason"}, Final: true}.read,
	}
}
