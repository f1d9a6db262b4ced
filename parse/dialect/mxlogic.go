package dialect

// MXLogic (McAfee SaaS) opens like Exim and puts the address in brackets with
// the reply behind it.
func mxlogic() Dialect {
	return Dialect{
		Name: "mxlogic",
		Marks: []Mark{
			{"a message that you have sent could not be delivered to one or more", "this message was created automatically by mail delivery software"},
			{"x-mxl-hash:", "this message was created automatically by mail delivery software"}, {"x-mx-bounce:"}, {"x-mxl-notehash:", "mail delivery"},
		},
		Read: readBracketed,
	}
}
