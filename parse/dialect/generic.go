package dialect

import (
	"slices"
	"strings"

	"harvester/parse/view"
)

// Generic reads a layout that nobody has described: an address in a place
// where notices name their recipient, next to words of failure or an SMTP
// reply. It never takes just any address of a mail: one that is ours, or two
// in prose of which either could be meant, give nobody.
func Generic(m *view.Mail, own func(addr string) bool) *Notice {
	head, returned := cutReturned(m.Text)
	ls := unsigned(lines(head))
	n := &Notice{Kind: kindOf(m, head), Returned: returned}
	if n.Failures = refused(ls, own); len(n.Failures) > 0 {
		return n
	}
	if !aboutMail(m, head, returned) {
		return nil
	}
	found := candidates(wordsIn(m.Subject), ls, own)
	if len(found) == 0 {
		return inSubject(m, n, head, own)
	}
	common := replyAt(ls, found[len(found)-1], len(ls)) // of a list with one reply for all
	for i, c := range found {
		reply := common
		if i+1 < len(found) && (codeAt(common) < 0 || c.rank != rankListed && c.rank != rankAlone || coded(ls[c.line:found[i+1].line])) {
			if r := replyAt(ls, c, found[i+1].line); r != "" {
				reply = r
			}
		}
		n.Failures = append(n.Failures, Failure{Address: c.addr, Reply: reply, Remote: remote(reply)})
	}
	return n
}

// aboutMail tells whether a mail system reports of a mail: payments are
// rejected, parcels returned and accounts closed, too.
func aboutMail(m *view.Mail, head, returned string) bool {
	const most = 4 << 10
	return m.FromDaemon() || m.Report != nil || m.Original != nil || returned != "" || Refusal(head) || (wordsIn(m.Subject)|wordsIn(head[:min(len(head), most)]))&wordMail != 0
}

// inSubject fills in whom the subject names as the one who failed, where the
// text has the reply and no other address. What a subject says of the reason
// is no reply: anybody can write it there.
func inSubject(m *view.Mail, n *Notice, head string, own func(string) bool) *Notice {
	if m.Report != nil || !Refusal(head) || strings.Contains(head, "@") {
		return nil
	}
	for _, c := range candidates(0, []string{m.Subject}, own) {
		reply := looseReply(head)
		n.Failures = append(n.Failures, Failure{Address: c.addr, Reply: reply, Remote: remote(reply)})
	}
	if len(n.Failures) != 1 {
		return nil
	}
	return n
}

// refused returns the recipients whose RCPT was refused in a session that the
// text quotes with `>>>` and `<<<`.
func refused(ls []string, own func(string) bool) (out []Failure) {
	if !slices.ContainsFunc(ls, func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), "<<<") }) {
		return nil
	}
	for _, f := range readTranscript(ls).named() {
		if !own(f.Address) && codeAt(f.Reply) == 0 {
			out = append(out, f)
		}
	}
	return out
}
