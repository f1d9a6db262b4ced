package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// AOL's later platform is Postfix under names of its own.
func aol() Dialect {
	d := postfix()
	return Dialect{Name: "aol", Marks: []Mark{{"x-aol-ip:", "queue-id"}, {"x-bounceio-id:"}, {"x-outbound-mail-relay-queue-id:"}}, Read: d.Read}
}

// aolProse is the older AOL, which names its users without a domain.
func aolProse() Dialect {
	const intro = "your mail to the following recipients could not be delivered because they are not accepting mail"
	return Dialect{Name: "aol-prose", Marks: []Mark{{intro}}, Read: func(m *view.Mail) *notice.Notice {
		_, home, ok := strings.Cut(m.From, "@")
		if !ok {
			return nil
		}
		head, returned := notice.CutReturned(m.Text)
		ls := notice.Lines(head)
		n := &notice.Notice{Kind: bounce.KindBounce, Returned: returned}
		i := max(0, notice.After(ls, intro)-1)
		said, end := notice.Block(ls, i, func(l string) bool { return notice.Indent(l) > 0 })
		for _, l := range ls[notice.SkipBlank(ls, end):] {
			name := strings.TrimSpace(l)
			if name == "" {
				break
			}
			if addr, at := notice.ScanAddress(name + "@" + home); at == len(name)+1+len(home) {
				n.Failures = append(n.Failures, notice.Failure{Address: addr, Reply: said, Means: bounce.SenderBlocked})
			} else if addr, ok := notice.BareAddress(name); ok {
				n.Failures = append(n.Failures, notice.Failure{Address: addr, Reply: said, Means: bounce.SenderBlocked})
			}
		}
		return n
	}}
}
