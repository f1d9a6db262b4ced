package dialect

import (
	"harvester/parse/bounce"
	"harvester/parse/view"
)

// FML is a Japanese list server: the address in brackets is the list that we
// wrote to.
func (layouts) FML() Dialect {
	const notMember = "you are not a member of this mailing list"
	return Dialect{
		Name: "fml",
		Marks: []Mark{
			{notMember, "original mail as follows"}, {"subject: not member article from"},
			{"x-mlserver: fml", notMember}, {"x-mlserver: fml", "security alert"}, {"x-mlserver: fml", "loop alert"},
		},
		Read: always(form{Sentence: []string{notMember}, Reply: []string{notMember}, Final: true}.read, bounce.RecipientRestricted),
	}
}

// always gives each failure that read finds the reason that a layout stands
// for, in whatever words.
func always(read func(*view.Mail) *Notice, means bounce.Reason) func(*view.Mail) *Notice {
	return func(m *view.Mail) *Notice {
		n := read(m)
		if n != nil {
			for i := range n.Failures {
				n.Failures[i].Means = means
			}
		}
		return n
	}
}
