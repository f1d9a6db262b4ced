package dialect

// InterMail (Openwave), Netscape Messaging 3 and 4 and Post.Office, which many
// carriers ran; their status part has no recipient group.
func (layouts) InterMail() Dialect {
	return Dialect{
		Name: "intermail",
		Marks: []Mark{
			{"this message was undeliverable due to the following reason"},
			{"subject: mail system error - returned mail"},
			{"each of the following recipients was rejected by a remote mail server"},
			{"the following destination addresses were unknown"},
			{"the following recipients did not receive this message"},
		},
		Read: form{
			Label:    []string{"recipient"},
			List:     []string{"the following recipients did not receive", "the following destination addresses were unknown", "each of the following recipients"},
			Sentence: []string{"user quota exceeded:", "quota exceeded: smtp"},
			Reply:    []string{"reason", "<<<", "this message was undeliverable due to the following reason", "your message was not delivered within", "your message "},
			Final:    true,
		}.read,
	}
}
