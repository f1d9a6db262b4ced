package dialect

// ZoneMTA imitates Gmail's old text; its X-Failed-Recipients lists every
// recipient of the mail, not only the failed.
func (layouts) ZoneMTA() Dialect {
	return Dialect{
		Name:  "zonemta",
		Marks: []Mark{{"x-zonemta-queue-id:"}, {"x-sending-zone:", "subject: delivery status notification"}},
		Read: form{
			List:     []string{"delivery to the following recipient failed permanently", "delivery to the following recipients failed permanently"},
			Sentence: []string{"there was a temporary problem delivering your message to"},
			Reply:    []string{"technical details of permanent failure", "technical details of temporary failure", "the error that the other server returned was"},
		}.read,
	}
}
