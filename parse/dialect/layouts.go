package dialect

// inCode are the layouts whose reading needs a loop, one file each. Those that
// are a fixed text with blanks filled in stand in forms.toml. There are no
// others: a new layout is a line here or a table there.
func inCode() []Dialect {
	return []Dialect{
		aol(),
		aolProse(),
		courier(),
		exchange2003(),
		exchange2007(),
		exchange55(),
		exim(),
		ezweb(),
		google(),
		googlegroups(),
		groupwiseNames(),
		haraka(),
		interscan(),
		mcafee(),
		mdaemon(),
		mfilter(),
		mimecast(),
		mxlogic(),
		naver(),
		notes(),
		office365(),
		opensmtpd(),
		oracle(),
		postfix(),
		powermta(),
		qmail(),
		sendmail(),
		sieve(),
		stalwart(),
		xmail(),
		yahoo(),
		zoho(),
	}
}
