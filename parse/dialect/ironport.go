package dialect

// IronPort (Cisco ESA, CES): the leading code is its own label, the quoted
// reply decides.
func (layouts) IronPort() Dialect {
	return Dialect{
		Name:  "ironport",
		Marks: []Mark{{"the following message to <", "was undeliverable"}, {"the reason for the problem:"}, {"the following message to <", "was delayed"}},
		Read:  form{Sentence: []string{"the following message to"}, Reply: []string{"the reason for the problem:"}}.read,
	}
}
