package dialect

// KDDI is au one net: a sentence over three lines.
func (layouts) KDDI() Dialect {
	return Dialect{
		Name:  "kddi",
		Marks: []Mark{{"your mail sent on:", "could not be delivered to:"}, {"your mail attempted to be delivered on:"}},
		Read: form{
			Label: []string{"could not be delivered to"},
			Reply: []string{"as their mailbox is full", "due to the following smtp relay error", "as the remote domain doesnt exist", "as their"},
		}.read,
	}
}
