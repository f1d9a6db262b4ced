package dialect

// Nullmailer says nothing in its text that its status part doesn't say.
func (layouts) Nullmailer() Dialect {
	return Dialect{Name: "nullmailer", Marks: []Mark{{"this is the nullmailer delivery system"}}}
}
