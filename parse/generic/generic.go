package generic

import (
	"slices"
	"strings"

	"harvester/parse/notice"
	"harvester/parse/view"
)

// Read reads a layout that nobody has described. It never takes just any address
// of a mail: one for which own is true, or two in prose of which either could be
// meant, give nobody. It is nil where the mail names nobody or is about no mail.
func Read(m *view.Mail, own func(addr string) bool) *notice.Notice {
	head, returned := notice.CutReturned(m.Text)
	ls := unsigned(notice.Lines(head))
	n := &notice.Notice{Kind: notice.KindOf(m, head), Returned: returned}
	if n.Failures = refused(ls, own); len(n.Failures) > 0 {
		return n
	}
	if !aboutMail(m, head, returned) {
		return nil
	}
	found := candidates(notice.WordsIn(m.Subject), ls, own)
	if len(found) == 0 {
		return inSubject(m, n, head, own)
	}
	common := notice.ReplyAt(ls, found[len(found)-1], len(ls)) // of a list with one reply for all
	for i, c := range found {
		reply := common
		if i+1 < len(found) && (notice.CodeAt(common) < 0 || c.Rank != notice.RankListed && c.Rank != notice.RankAlone || notice.Coded(ls[c.Line:found[i+1].Line])) {
			if r := notice.ReplyAt(ls, c, found[i+1].Line); r != "" {
				reply = r
			}
		}
		n.Failures = append(n.Failures, notice.Failure{Address: c.Addr, Reply: reply, Remote: notice.Remote(reply)})
	}
	return n
}

// aboutMail tells whether a mail system reports of a mail: payments are
// rejected, parcels returned and accounts closed, too.
func aboutMail(m *view.Mail, head, returned string) bool {
	const most = 4 << 10
	return m.FromDaemon() || m.Report != nil || m.Original != nil || returned != "" || notice.Refusal(head) || (notice.WordsIn(m.Subject)|notice.WordsIn(head[:min(len(head), most)]))&notice.WordMail != 0
}

// inSubject fills in whom the subject names as the one who failed, where the
// text has the reply and no other address. What a subject says of the reason
// is no reply: anybody can write it there.
func inSubject(m *view.Mail, n *notice.Notice, head string, own func(string) bool) *notice.Notice {
	if m.Report != nil || !notice.Refusal(head) || strings.Contains(head, "@") {
		return nil
	}
	for _, c := range candidates(0, []string{m.Subject}, own) {
		reply := notice.LooseReply(head)
		n.Failures = append(n.Failures, notice.Failure{Address: c.Addr, Reply: reply, Remote: notice.Remote(reply)})
	}
	if len(n.Failures) != 1 {
		return nil
	}
	return n
}

// refused returns the recipients whose RCPT was refused in a session that the
// text quotes with `>>>` and `<<<`.
func refused(ls []string, own func(string) bool) (out []notice.Failure) {
	if !slices.ContainsFunc(ls, func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), "<<<") }) {
		return nil
	}
	for _, f := range notice.ReadTranscript(ls).Named() {
		if !own(f.Address) && notice.CodeAt(f.Reply) == 0 {
			out = append(out, f)
		}
	}
	return out
}
