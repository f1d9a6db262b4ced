package dialect

import (
	"slices"
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Sendmail 8 lists addresses under one heading per fate and gives the replies
// in a transcript (savemail.c). Proofpoint's protection server, the old AOL,
// Active!hunter and Bigfoot are built on it.
func sendmail() Dialect {
	return Dialect{
		Name: "sendmail",
		Marks: []Mark{
			{"----- the following addresses had permanent fatal errors -----"},
			{"----- the following addresses had permanent delivery errors -----"},
			{"----- the following addresses had transient non-fatal errors -----"},
			{"----- the following addresses have delivery notifications -----"},
			{"----- the following addresses had successful delivery notifications -----", "the original message was received at"},
			{"----- the following addresses had delivery problems -----"},
			{"the original message was received at", "transcript of session follows"},
			{"----- transcript of session follows -----"},
			{"subject: returned mail: see transcript for details"},
			{"x-actual-recipient:"},
		},
		Read: readSendmail,
	}
}

func readSendmail(m *view.Mail) *notice.Notice {
	head, returned := notice.CutReturned(m.Text)
	ls := notice.Lines(head)
	n := &notice.Notice{Kind: notice.KindOf(m, head), Returned: returned}
	act := bounce.ActionNone
	inList := false
	transcript := -1
	for i := 0; i < len(ls); i++ {
		l := ls[i]
		if strings.Contains(l, "-----") {
			inList = false
			switch h := notice.Fold(l); {
			case strings.Contains(h, "transcript of session"):
				if transcript < 0 {
					transcript = i + 1
				}
			case strings.Contains(h, "fatal errors") && !strings.Contains(h, "non-fatal"), strings.Contains(h, "delivery problems"), strings.Contains(h, "delivery errors"):
				inList, act = true, bounce.Failed
			case strings.Contains(h, "transient"), strings.Contains(h, "non-fatal"):
				inList, act = true, bounce.Delayed
			case strings.Contains(h, "successful"):
				inList, act = true, bounce.Delivered
			case strings.Contains(h, "following addresses"):
				inList, act = true, bounce.ActionNone
			}
			continue
		}
		if !inList || l == "" {
			continue
		}
		t := strings.TrimSpace(l)
		if len(n.Failures) > 0 && notice.Indent(l) > 0 {
			f := &n.Failures[len(n.Failures)-1]
			if rest, ok := strings.CutPrefix(t, "(reason: "); ok {
				f.Reply = strings.TrimSuffix(rest, ")")
				continue
			}
			if rest, ok := strings.CutPrefix(t, "(expanded from: "); ok {
				f.Mailed, _ = notice.BareAddress(strings.TrimSuffix(rest, ")"))
				if f.Address == "" && m.Report == nil { // a report says whom it means itself
					f.Address = f.Mailed
				}
				continue
			}
		}
		if isProgram(l) && len(n.Failures) < notice.MaxFailures { // whom it stands for comes in the next line, if at all
			n.Failures = append(n.Failures, notice.Failure{Action: act})
			continue
		}
		t = strings.TrimPrefix(t, ">>> ") // QUIRK: Active!hunter
		if a, _, end := notice.FindAddress(t); a != "" && len(n.Failures) < notice.MaxFailures && (end == len(t) || strings.IndexByte(" >(", t[end]) >= 0) {
			n.Failures = append(n.Failures, notice.Failure{Address: a, Action: act})
		}
	}
	n.Failures = slices.DeleteFunc(n.Failures, func(f notice.Failure) bool { return f.Address == "" })
	if transcript < 0 {
		transcript = 0
	}
	t := notice.ReadTranscript(ls[transcript:])
	if len(n.Failures) == 0 {
		n.Failures = t.Named()
	}
	if len(n.Failures) == 0 && len(t.Said) > 0 {
		// QUIRK: Sendmail 5 may name nobody; the returned mail does.
		text, host := t.Of("")
		n.Failures = []notice.Failure{{Reply: text, Remote: host}}
		return n
	}
	for i := range n.Failures {
		f := &n.Failures[i]
		said, host := t.Of(f.Address)
		if f.Reply == "" || notice.CodeAt(f.Reply) < 0 && notice.CodeAt(said) >= 0 {
			f.Reply = said
		}
		f.Reply = unrooted(t.Whole(f.Reply))
		if f.Remote == "" {
			f.Remote = host
		}
	}
	return n
}

// isProgram reports whether a line of a list names a program or file to which
// an alias leads: "|/usr/bin/vacation kate", /var/mail/list.
func isProgram(l string) bool {
	l = strings.TrimPrefix(l, `"`)
	return strings.HasPrefix(l, "|") || strings.HasPrefix(l, "/")
}

// unrooted takes the dot of the root off host names within a sentence, which
// would end it. QUIRK: Sendmail writes "MX list for example.com. points back to".
func unrooted(reply string) string {
	for from := 0; ; {
		i := strings.Index(reply[from:], ". ")
		if i < 0 {
			return reply
		}
		i += from
		host := reply[strings.LastIndexAny(reply[:i], " <(")+1 : i]
		if next := reply[i+2:]; next != "" && next[0] >= 'a' && next[0] <= 'z' && strings.IndexByte(host, '.') > 0 && strings.IndexByte(host, '@') < 0 {
			reply = reply[:i] + reply[i+1:]
		}
		from = i + 1
	}
}
