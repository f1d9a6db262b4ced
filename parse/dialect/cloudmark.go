package dialect

// Cloudmark's gateway, as French and other providers run it: a report without
// report-type, addresses in a starred list.
func (layouts) Cloudmark() Dialect {
	return Dialect{
		Name:  "cloudmark",
		Marks: []Mark{{"delivery to the following recipients failed permanently:", "technical details:"}, {"delivery to the following recipients was aborted after"}},
		Read: form{
			List:  []string{"delivery to the following recipients failed permanently", "delivery to the following recipients was aborted after"},
			Reply: []string{"technical details"},
			Final: true,
		}.read,
	}
}
