package dialect

// James is Apache James with its DSNBounce and Bounce mailets; Verizon's text
// messaging gateway is built on it.
func (layouts) James() Dialect {
	return Dialect{
		Name: "james",
		Marks: []Mark{
			{"hi. this is the james mail server at"},
			{"error message below:", "message details:", "mail from:", "rcpt to:"},
			{"javamail", "subject: [bounce]"}, {"javamail", "subject: re:[bounce]"},
		},
		Read: form{
			Label: []string{"rcpt to", "failed recipient(s)", "failed recipients"},
			List:  []string{"failed recipient(s):"},
			Reply: []string{"error message below:", "error message:", "remote mail server told me", "error:"},
			Final: true,
		}.read,
	}
}
