package dialect

// Maddy copies Postfix's subject and little else (internal/dsn).
func (layouts) Maddy() Dialect {
	return Dialect{
		Name:  "maddy",
		Marks: []Mark{{"this is the mail delivery system at", "failed with error"}, {"x-maddy-sender:"}, {"x-maddy-msgid:"}},
		Read:  form{Sentence: []string{"delivery to"}, Final: true}.read,
	}
}
