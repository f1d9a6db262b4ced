package dialect

// Nullmailer says nothing in its text that its status part doesn't say.
// QUIRK: nullmailer 2.2 gives up the whole mail when one recipient is refused,
// and lists all of them as failed with the reply to that one.
func (layouts) Nullmailer() Dialect {
	return Dialect{Name: "nullmailer", Marks: []Mark{{"this is the nullmailer delivery system"}}, OneReply: true}
}
