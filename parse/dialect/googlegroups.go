package dialect

import (
	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// GoogleGroups tells in the sender's language that a group does not exist or
// takes no mail from us; it does not say which. The address stands in the
// header only.
func googlegroups() Dialect {
	return Dialect{
		Name:  "googlegroups",
		Marks: []Mark{{"x-failed-recipients:", "groups.google.com/support"}, {"x-failed-recipients:", "the group you tried to contact"}, {"x-failed-recipients:", "support.google.com/a/topic", "google groups"}},
		Read: func(m *view.Mail) *notice.Notice {
			n := notice.FromHeader(m)
			if n == nil {
				return nil
			}
			for i := range n.Failures {
				if notice.CodeAt(n.Failures[i].Reply) < 0 {
					n.Failures[i].Means = bounce.RecipientRestricted
				}
			}
			return n
		},
	}
}
