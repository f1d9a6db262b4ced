package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Stalwart mixes delivered, delayed and failed recipients in one notice, each
// under its own heading (crates/smtp/src/queue/dsn.rs).
func stalwart() Dialect {
	return Dialect{
		Name: "stalwart",
		Marks: []Mark{
			{"----- delivery to the following addresses failed -----"},
			{"----- there was a temporary problem delivering to these addresses -----"},
			{"----- delivery to the following addresses was successful -----"},
		},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			n := &notice.Notice{Kind: bounce.KindBounce, Returned: returned}
			act := bounce.Failed
			for _, l := range notice.Lines(head) {
				t := strings.TrimSpace(l)
				switch f := notice.Fold(t); {
				case strings.HasPrefix(t, "-----") && strings.Contains(f, "temporary"):
					act = bounce.Delayed
				case strings.HasPrefix(t, "-----") && strings.Contains(f, "successful"):
					act = bounce.Delivered
				case strings.HasPrefix(t, "-----"):
					act = bounce.Failed
				case strings.HasPrefix(t, "<"):
					if addr, at := notice.ScanAddress(t[1:]); at > 0 && strings.HasPrefix(t[at+1:], ">") {
						reply := strings.Trim(t[at+2:], " ()")
						n.Failures = append(n.Failures, notice.Failure{Address: addr, Reply: reply, Remote: quotedHost(reply), Action: act})
					}
				}
			}
			return n
		},
	}
}

// quotedHost reads `host 'H' rejected …`.
func quotedHost(reply string) string {
	_, rest, ok := strings.Cut(reply, "host '")
	if !ok {
		return notice.Remote(reply)
	}
	host, _, _ := strings.Cut(rest, "'")
	return host
}
