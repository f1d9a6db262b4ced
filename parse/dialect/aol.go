package dialect

// AOL's later platform is Postfix under names of its own.
func aol() Dialect {
	d := postfix()
	return Dialect{Name: "aol", Marks: []Mark{{"x-aol-ip:", "queue-id"}, {"x-bounceio-id:"}, {"x-outbound-mail-relay-queue-id:"}}, Read: d.Read}
}
