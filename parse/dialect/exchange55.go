package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Exchange55 is the Internet Mail Service of Exchange 4.0 to 5.5: `addr on
// DATE` at the begin of a line, the reason below, a code of MSEXCH at the end.
func exchange55() Dialect {
	return Dialect{
		Name:  "exchange55",
		Marks: []Mark{{"did not reach the following recipient(s):"}, {"msexch:ims:"}, {"x-mailer: internet mail service ("}, {"x-ms-embedded-report:"}},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			ls := notice.Lines(head)
			n := &notice.Notice{Kind: bounce.KindBounce, Returned: returned}
			i := notice.After(ls, "did not reach the following recipient")
			if i < 0 {
				return nil
			}
			for ; i < len(ls); i++ {
				l := ls[i]
				at := strings.Index(l, " on ")
				if notice.Indent(l) > 0 || at < 0 {
					if len(n.Failures) > 0 {
						f := &n.Failures[len(n.Failures)-1]
						if !strings.HasPrefix(strings.TrimSpace(l), "The MTS-ID") && !strings.HasPrefix(l, ";l=") {
							f.Reply = notice.AppendLine(f.Reply, l)
						}
					}
					continue
				}
				name := l[:at]
				if j := strings.Index(name, "SMTP="); j >= 0 { // an X.400 name that tells its SMTP address
					name = strings.TrimRight(name[j+len("SMTP="):], "; ")
				}
				a, _, _ := notice.FindAddress(name)
				if a == "" && !x400(name) {
					continue
				}
				n.Failures = append(n.Failures, notice.Failure{Address: a}) // without one, the returned mail tells it
			}
			return n
		},
	}
}

// x400 tells whether a recipient is named in the terms of X.400 alone:
// c=SE;a= ;p=Org;o=SITE;s=Lind;g=Petra;
func x400(name string) bool {
	return strings.HasPrefix(name, "c=") && strings.Contains(name, ";s=") && strings.Contains(name, ";p=")
}
