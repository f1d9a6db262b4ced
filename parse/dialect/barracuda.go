package dialect

// Barracuda's spam firewall tells the sender what it blocked.
func (layouts) Barracuda() Dialect {
	return Dialect{
		Name:  "barracuda",
		Marks: []Mark{{"was blocked by our spam firewall"}, {"our bulk email filter**"}},
		Read:  form{Label: []string{"your message to"}, Sentence: []string{"your message to"}, Reply: []string{"was blocked by our spam firewall"}, Final: true}.read,
	}
}
