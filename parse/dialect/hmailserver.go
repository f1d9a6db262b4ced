package dialect

// HMailServer never returns the original; its first line equals that of
// Exchange 2003.
func (layouts) HMailServer() Dialect {
	return Dialect{
		Name:  "hmailserver",
		Marks: []Mark{{"hmailserver"}, {"your message did not reach some or all of the intended recipients", "hmailserver"}, {"subject: message undeliverable:", "the following recipient(s) could not be reached"}},
		Read: form{
			List:  []string{"the following recipient(s) could not be reached"},
			Reply: []string{"remote server replied", "error description"},
			Final: true,
		}.read,
	}
}
