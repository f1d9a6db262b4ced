package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/dsn"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Haraka looks like qmail and has none of its paragraphs
// (outbound/hmail.js).
func haraka() Dialect {
	return Dialect{
		Name:  "haraka",
		Marks: []Mark{{"haraka", "invoked for bounce"}, {"this is the haraka mailer program at"}},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			n := &notice.Notice{Kind: bounce.KindBounce, Returned: returned, Failures: notice.Paragraphs(notice.Lines(head), false)}
			if len(n.Failures) > 0 {
				return n
			}
			return form{Label: []string{"intended recipients", "intended recipient"}, Reply: []string{"failure reason"}, Final: true}.read(m)
		},
		// QUIRK: the action of a final bounce is derived from the last reply, so
		// that a recipient given up after a 4xx stands there as "delayed". What
		// it returns has no subject where no template is installed.
		Mend: func(m *view.Mail, r *dsn.Report) {
			if notice.OfDelay(m) {
				return
			}
			for i := range r.Recipients {
				if !strings.HasPrefix(r.Recipients[i].Status, "2") {
					r.Recipients[i].Action = bounce.Failed
				}
			}
		},
	}
}
