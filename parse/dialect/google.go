package dialect

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/notice"
	"harvester/parse/view"
)

// Google writes in the language of the sender; the frame `** … **`, the
// X-Failed-Recipients field and the reply stay the same
// (https://support.google.com/mail/answer/6596).
func google() Dialect {
	return Dialect{
		Name: "google",
		Marks: []Mark{
			{"from: ", "mailer-daemon@googlemail.com"},
			{"delivery to the following recipient failed permanently"},
			{"delivery to the following recipients failed permanently"},
			{"delivery to the following recipient has been delayed"},
			{"technical details of permanent failure"},
			{"technical details of temporary failure"},
			{"google tried to deliver your message"},
			{"x-gm-message-state:", "mailer-daemon@google"},
			{"the response was:", "x-failed-recipients:"},
			{"reporting-mta: dns; googlemail.com"},
		},
		Read: func(m *view.Mail) *notice.Notice {
			head, returned := notice.CutReturned(m.Text)
			ls := notice.Lines(head)
			n := &notice.Notice{Kind: notice.KindOf(m, head), Returned: returned}
			if strings.Contains(m.Subject, "(Delay)") {
				n.Kind = bounce.KindDelay
			}
			reply := googleReply(ls)
			for _, a := range googleRecipients(m, ls) {
				n.Failures = append(n.Failures, notice.Failure{Address: a, Reply: reply, Remote: googleRemote(reply)})
			}
			return n
		},
	}
}

func googleRecipients(m *view.Mail, ls []string) []string {
	out := notice.FailedRecipients(m)
	if len(out) > 0 {
		return out
	}
	if i := notice.After(ls, "delivery to the following recipient"); i > 0 {
		for i = notice.SkipBlank(ls, i); i < len(ls) && ls[i] != ""; i++ {
			if a, ok := notice.BareAddress(ls[i]); ok {
				out = append(out, a)
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	// `Your message wasn't delivered to ADDR because …`, in any language: the
	// paragraph below the framed headline.
	for i, l := range ls {
		if strings.HasPrefix(strings.TrimSpace(l), "** ") {
			p, _ := notice.Block(ls, notice.SkipBlank(ls, i+1), nil)
			if a, _, _ := notice.FindAddress(p); a != "" {
				return []string{a}
			}
		}
	}
	return nil
}

// googleReply is the text behind "The response was:" and its older forms.
func googleReply(ls []string) string {
	// The technical details open with prose of Google's own; what the other
	// server said comes behind it.
	for _, intro := range [...]string{"the response was:", "the response from the remote server was:", "the error that the other server returned was:", "technical details of permanent failure:", "technical details of temporary failure:"} {
		for i, l := range ls {
			f := notice.Fold(l)
			at := strings.Index(f, intro)
			if at < 0 {
				continue
			}
			reply := ""
			if c := notice.CodeAt(l); len(f) > at+len(intro) && c > 0 {
				reply = l[c:]
			}
			j := i + 1
			if reply == "" {
				j = notice.SkipBlank(ls, j)
			}
			more, _ := notice.Block(ls, j, nil)
			if reply = notice.AppendLine(reply, more); reply != "" {
				return reply
			}
		}
	}
	return notice.LooseReply(strings.Join(ls, "\n"))
}

// googleRemote reads `by the server for the recipient domain D by H. [ip].`
func googleRemote(reply string) string {
	_, rest, ok := strings.Cut(reply, "for the recipient domain ")
	if !ok {
		return ""
	}
	if _, by, ok := strings.Cut(rest, " by "); ok {
		return notice.HostWord(by)
	}
	return notice.HostWord(rest)
}
