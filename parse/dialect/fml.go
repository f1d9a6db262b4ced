package dialect

// FML is a Japanese list server: the address in brackets is the list that we
// wrote to.
func (layouts) FML() Dialect {
	return Dialect{
		Name:  "fml",
		Marks: []Mark{{"x-mlserver: fml", "you are not a member of this mailing list"}, {"x-mlserver: fml", "security alert"}, {"x-mlserver: fml", "loop alert"}},
		Read:  form{Sentence: []string{"you are not a member of this mailing list"}, Reply: []string{"you are not a member of this mailing list"}, Final: true}.read,
	}
}
