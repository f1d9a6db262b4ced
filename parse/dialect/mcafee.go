package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// McAfee is the McAfee Email (and Web) Security appliance.
func mcafee() Dialect {
	return Dialect{
		Name:  "mcafee",
		Marks: []Mark{{"--- the following addresses had delivery problems ---"}, {"x-nai-header:", "delivery"}},
		Read:  readBracketed,
	}
}

// readBracketed reads `<addr>: reply` and `<addr>   (reply)` lines, indented or
// not, with the reply running on in the lines below.
func readBracketed(m *view.Mail) *notice.Notice {
	head, returned := notice.CutReturned(m.Text)
	ls := notice.Lines(head)
	n := &notice.Notice{Kind: bounce.KindBounce, Returned: returned}
	for i := 0; i < len(ls); i++ {
		t := strings.TrimSpace(ls[i])
		if !strings.HasPrefix(t, "<") {
			continue
		}
		addr, at := notice.ScanAddress(t[1:])
		if at == 0 || !strings.HasPrefix(t[1+at:], ">") {
			continue
		}
		reply := strings.TrimLeft(t[2+at:], ": ")
		for i+1 < len(ls) && ls[i+1] != "" && !strings.HasPrefix(strings.TrimSpace(ls[i+1]), "<") {
			i++
			reply = notice.AppendLine(reply, ls[i])
		}
		reply = strings.TrimSuffix(strings.TrimPrefix(reply, "("), ")")
		n.Failures = append(n.Failures, notice.Failure{Address: addr, Reply: reply, Remote: notice.Remote(reply)})
	}
	return n
}
