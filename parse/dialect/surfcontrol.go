package dialect

// SurfControl (Websense) E-mail Filter.
func (layouts) SurfControl() Dialect {
	return Dialect{
		Name:  "surfcontrol",
		Marks: []Mark{{"x-mailer: surfcontrol e-mail filter"}, {"x-sef-processed:"}, {"a transcript of the attempts to send the message follows"}},
		Read:  form{Label: []string{"addressed to"}, Reply: []string{"failed to send to identified host"}, Final: true}.read,
	}
}
