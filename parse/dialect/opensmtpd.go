package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/dsn"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// OpenSMTPD writes `addr: reply` lines; its status part has no Diagnostic-Code
// at all (bounce.c).
func opensmtpd() Dialect {
	return Dialect{
		Name: "opensmtpd",
		Marks: []Mark{
			{"this is the mailer-daemon, please do not reply to this email"},
			{"this is the mailer-daemon, please do not reply to this e-mail"},
			{"subject: delivery status notification: failed", "mailer daemon"},
		},
		Read:        readOpenSMTPD,
		AliasHidden: true,
		Mend:        mendOpenSMTPD,
	}
}

func readOpenSMTPD(m *view.Mail) *notice.Notice {
	head, returned := notice.CutReturned(m.Text)
	n := &notice.Notice{Kind: notice.KindOf(m, head), Returned: returned}
	for _, l := range notice.Lines(head) {
		if notice.Indent(l) > 0 || l == "" {
			continue
		}
		addr, at := notice.ScanAddress(l)
		if at == 0 || len(l) < at+3 || l[at:at+2] != ": " {
			continue
		}
		n.Failures = append(n.Failures, notice.Failure{Address: addr, Reply: notice.AppendLine("", l[at+2:])})
	}
	return n
}

// QUIRK: the last word of OpenSMTPD 6.8 on a mail that it gives up after its
// time is "delayed", too, and "only a temporary failure report"; only its
// reason tells it from the warnings before.
func mendOpenSMTPD(m *view.Mail, r *dsn.Report) {
	expired := map[string]bool{}
	for _, f := range readOpenSMTPD(m).Failures {
		if strings.HasPrefix(f.Reply, "Envelope expired") {
			expired[strings.ToLower(f.Address)] = true
		}
	}
	for i := range r.Recipients {
		if g := &r.Recipients[i]; g.Action == bounce.Delayed && expired[strings.ToLower(g.FinalRecipient)] {
			g.Action = bounce.Failed
		}
	}
}
