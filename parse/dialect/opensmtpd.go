package dialect

import "harvester/parse/view"

// OpenSMTPD writes `addr: reply` lines; its status part has no Diagnostic-Code
// at all (bounce.c).
func (layouts) OpenSMTPD() Dialect {
	return Dialect{
		Name: "opensmtpd",
		Marks: []Mark{
			{"this is the mailer-daemon, please do not reply to this email"},
			{"this is the mailer-daemon, please do not reply to this e-mail"},
			{"subject: delivery status notification: failed", "mailer daemon"},
		},
		Read: func(m *view.Mail) *Notice {
			head, returned := cut(m.Text)
			n := &Notice{Kind: kindOf(m, head), Returned: returned}
			for _, l := range lines(head) {
				if indent(l) > 0 || l == "" {
					continue
				}
				addr, at := scanAddress(l)
				if at == 0 || len(l) < at+3 || l[at:at+2] != ": " {
					continue
				}
				n.Failures = append(n.Failures, Failure{Address: addr, Reply: join("", l[at+2:])})
			}
			return n
		},
	}
}
