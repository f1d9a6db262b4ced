package dialect

// DMA is the DragonFly Mail Agent (bounce.c): one recipient each, named in
// prose, the reason in the paragraph below.
func (layouts) DMA() Dialect {
	return Dialect{
		Name:  "dma",
		Marks: []Mark{{"this is the dragonfly mail agent"}, {"received: from mailer-daemon", "dragonfly mail agent"}},
		Read: form{
			Sentence: []string{"there was an error delivering your mail to"},
			Final:    true,
		}.read,
		AliasHidden: true,
	}
}
