package dialect

// Verizon's text and picture messaging gateways.
func (layouts) Verizon() Dialect {
	return Dialect{
		Name:  "verizon",
		Marks: []Mark{{"from: post_master@vtext.com"}, {"vzwpix.com", "original message:"}, {"post_master@vtext.com"}, {"sysadmin@", "vzwpix"}},
		Read: form{
			Label: []string{"rcpt to", "to"},
			Reply: []string{"error:", "error"},
			Final: true,
		}.read,
	}
}
