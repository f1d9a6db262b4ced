package dialect

// IONOS (1&1, kundenserver), GMX, web.de and mail.com open like Exim and give
// address and reason under headings of their own.
func (layouts) IONOS() Dialect {
	return Dialect{
		Name: "ionos",
		Marks: []Mark{
			{"this message was created automatically by mail delivery software", "for the following reason:"},
			{"this message was created automatically by mail delivery software", "the following address failed:"},
			{"smtp error from remote server after", "the following address failed:"},
			{"smtp error from remote server for"},
			{"--- the header of the original message is following. ---"},
			{"this message was created automatically by mail delivery software", "delivery retry timeout exceeded"},
		},
		Read: form{
			List:   []string{"the following address failed:", "the following addresses failed:", "the following address(es) failed:", "could not be delivered to one or more of its recipients", "this is a permanent error"},
			Blocks: true,
			Reply:  []string{"for the following reason:", "smtp error from remote server", "reason:"},
		}.read,
	}
}
