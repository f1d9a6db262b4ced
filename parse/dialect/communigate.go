package dialect

// CommuniGate Pro quotes the address and lets its modules report.
func (layouts) CommuniGate() Dialect {
	return Dialect{
		Name:  "communigate",
		Marks: []Mark{{"failed to deliver to '"}},
		Read:  form{Sentence: []string{"failed to deliver to '"}, Final: true}.read,
	}
}
