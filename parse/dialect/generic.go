package dialect

import (
	"slices"
	"strings"
	"sync"

	"harvester/parse/view"
)

// How surely a line names a failed recipient, best first.
type rank uint8

const (
	rankNone     rank = iota
	rankSentence      // in a sentence that speaks of a failure
	rankReason        // `addr: reason`, `addr (reason)`
	rankListed        // in a list whose heading speaks of addresses
	rankLabelled      // `Recipient: addr`
	rankAlone         // `<addr>` alone on its line
	rankOpens         // `<addr>: reason`
)

type candidate struct {
	addr string
	rest string // of the line, behind the address
	line int
	rank rank

	failing bool // its line has words of failure
	asks    bool // its sentence says whom to ask
	named   bool // it stands behind a label that says nothing of mail or failure
}

// labels stand before the failed address, without their colon.
var labels = folded(
	"recipient", "recipients", "failed recipient", "failed recipients", "failed recipient(s)", "failed address", "recipient address", "recipient address(es)", "rcpt to",
	"addressed to", "intended recipient", "intended recipients", "undeliverable address", "invalid receiver address", "error-for", "failed to", "delivery to",
	"user", "email address", "e-mail address", "mailbox", "address", "unknown to address", "undelivered to", "destination", "envelope recipient", "envelope recipients",
	"original recipient", "final recipient", "original-recipient", "final-recipient", "x-failed-recipients", "bounced address", "not delivered to", "unable to deliver to",
	"empfanger", "empfangeradresse", "destinataire", "destinatario", "destinatarios", "destinatari", "ontvanger", "mottagare", "modtager", "adresat", "odbiorca", "получатель", "адрес получателя", "收件人", "宛先", "送信先", "宛先アドレス", "수신자", "받는 사람", "收件人地址",
	"empfanger-adresse", "adresse des empfangers", "empfanger der nachricht", "adresse du destinataire", "adresse destinataire", "direccion del destinatario", "direccion de destino", "endereco do destinatario", "endereco de destino", "indirizzo destinatario", "indirizzo del destinatario",
	"adres ontvanger", "adres van de ontvanger", "geadresseerde", "mottagaradress", "modtageradresse", "mottaker", "mottakeradresse", "vastaanottaja", "vastaanottajan osoite", "adres odbiorcy", "prijemce", "adresa prijemce", "prijemca", "adresa prijemcu", "cimzett", "cimzett cime", "destinatar", "adresa destinatarului",
	"адресат", "одержувач", "отримувач", "адреса одержувача", "адреса отримувача", "получател", "alici", "alici adresi", "παραληπτησ", "διευθυνση παραληπτη", "primatelj", "prejemnik", "gavejas", "sanemejs", "saaja", "受信者", "受信者アドレス", "宛先メールアドレス", "送信先アドレス", "收件者", "收件者地址", "收件者信箱", "수신자 주소", "수신인", "받는사람", "nguoi nhan", "dia chi nguoi nhan", "penerima", "alamat penerima", "ผู้รับ", "المستلم", "عنوان المستلم", "הנמען", "נמען", "כתובת הנמען",
	"message recipients", "message recipient", "undelivered recipient", "deliver to", "mail to", "receiver", "sent to", "to address",
)

// senders are labels of header lines whose address is not the failed one.
var senders = folded(
	"from", "sender", "envelope sender", "original sender", "reply-to", "return-path", "mail from", "envelope from", "envelope-from", "cc", "message-id", "message id", "orginal message id", "original message id", "message token", "in-reply-to", "references",
	"von", "absender", "de", "expediteur", "remitente", "mittente", "da", "remetente", "van", "afzender",
	"fran", "avsandare", "fra", "afsender", "od", "nadawca", "от", "отправитель", "发件人", "寄件者", "差出人", "送信者", "보낸 사람",
)

// folded makes a set of words as they are looked up.
func folded(words ...string) func() map[string]bool {
	return sync.OnceValue(func() map[string]bool {
		set := make(map[string]bool, len(words))
		for _, w := range words {
			set[fold(w)] = true
		}
		return set
	})
}

// contact tells whether prose names an address for questions, not for a
// recipient (RFC 2142).
func contact(addr string) bool {
	local, _, _ := strings.Cut(addr, "@")
	switch strings.ToLower(local) {
	case "abuse", "postmaster", "hostmaster", "noc", "delist", "unblock", "removeme":
		return true
	}
	return false
}

// Generic reads a layout that nobody has described: an address in a place
// where notices name their recipient, next to words of failure or an SMTP
// reply. It never takes just any address of a mail: one that is ours, or two
// in prose of which either could be meant, give nobody.
func Generic(m *view.Mail, own func(addr string) bool) *Notice {
	head, returned := cut(m.Text)
	ls := unsigned(lines(head))
	n := &Notice{Kind: kindOf(m, head), Returned: returned}
	if n.Failures = refused(ls, own); len(n.Failures) > 0 {
		return n
	}
	if !aboutMail(m, head, returned) {
		return nil
	}
	found := candidates(says(m.Subject), ls, own)
	if len(found) == 0 {
		return inSubject(m, n, head, own)
	}
	common := replyAt(ls, found[len(found)-1], len(ls)) // of a list with one reply for all
	for i, c := range found {
		reply := common
		if i+1 < len(found) && (code(common) < 0 || c.rank != rankListed && c.rank != rankAlone || coded(ls[c.line:found[i+1].line])) {
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
	return m.FromDaemon() || m.Report != nil || m.Original != nil || returned != "" || Refusal(head) || (says(m.Subject)|says(head[:min(len(head), most)]))&wordMail != 0
}

// inSubject fills in whom the subject names as the one who failed, where the
// text has the reply and no other address. What a subject says of the reason
// is no reply: anybody can write it there.
func inSubject(m *view.Mail, n *Notice, head string, own func(string) bool) *Notice {
	if m.Report != nil || !Refusal(head) || strings.Contains(head, "@") {
		return nil
	}
	for _, c := range candidates(0, []string{m.Subject}, own) {
		reply := reason(head)
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
		if !own(f.Address) && code(f.Reply) == 0 {
			out = append(out, f)
		}
	}
	return out
}

// candidates returns the lines of the best rank found that can be told to name
// failed recipients.
func candidates(subject word, ls []string, own func(string) bool) []candidate {
	var all []candidate
	best := rankNone
	heading := false // the last paragraph that did not consist of addresses heads a list
	failing := false // words of failure stood above
	words := lineWords{ls: ls, known: make([]word, len(ls))}
	for i, l := range ls {
		t := strings.TrimSpace(l)
		if t == "" {
			continue
		}
		if strings.HasPrefix(t, ">") { // quoted: what somebody else wrote
			heading = false
			continue
		}
		w := words.at(i)
		if w&wordFailure != 0 {
			failing = true
		}
		if several := listed(t, heading, w); failing && len(several) > 1 {
			if best < rankListed {
				best, all = rankListed, all[:0]
			}
			for _, a := range several {
				if best == rankListed && !own(a) {
					all = append(all, candidate{addr: a, line: i, rank: rankListed})
				}
			}
			continue
		}
		c := rankLine(l, t, heading, own)
		if c.rank == rankNone {
			heading = strings.HasSuffix(t, ":") && w&(wordList|wordFailure) != 0 || heading && !strings.HasSuffix(t, ":") && !strings.HasSuffix(t, ".") && len(t) < 60 && w&wordList != 0
			continue
		}
		if c.rank == rankSentence && (c.asks || c.named && !words.near(i, wordCode) || w&wordFailure == 0 && !words.near(i, wordFailure|wordCode)) || own(c.addr) {
			continue
		}
		if c.rank < rankOpens && !failing && !words.near(i, wordFailure|wordCode) && (c.rank != rankLabelled || subject&wordFailure == 0) {
			continue
		}
		c.line = i
		c.failing = w&wordFailure != 0
		if lone := c.rest == "" && (c.rank == rankReason || c.rank == rankAlone && t[0] != '<' && !heading); lone && best == rankSentence && all[0].failing && !coded(ls[i:min(len(ls), i+6)]) {
			continue // behind a sentence that says who failed, it is where to ask
		}
		if c.rank > best {
			best, all = c.rank, all[:0]
		}
		if c.rank == best {
			all = append(all, c)
		}
	}
	return distinct(ls, all, best)
}

// listed returns the addresses of a line that is a list of them, under a
// heading or behind words and a colon that head one.
func listed(t string, heading bool, w word) (out []string) {
	if !heading {
		at := strings.LastIndex(t, ": ")
		if at < 0 || w&wordList == 0 || w&wordFailure == 0 {
			return nil
		}
		t = t[at+2:]
	}
	if strings.Count(t, "@") < 2 {
		return nil
	}
	for _, f := range strings.FieldsFunc(t, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\t' }) {
		a, ok := bare(f)
		switch {
		case ok && len(out) < maxFailures:
			out = append(out, a)
		case f != "and" && f != "&":
			return nil
		}
	}
	return out
}

// distinct drops repetitions. Two different addresses in prose are no list:
// either could be the failed one.
func distinct(ls []string, all []candidate, best rank) []candidate {
	out := all[:0:0]
	known := map[string]bool{}
	for _, c := range all {
		if key := strings.ToLower(c.addr); !known[key] && len(out) < maxFailures {
			known[key] = true
			out = append(out, c)
		}
	}
	if best == rankReason {
		out = slices.DeleteFunc(out, func(c candidate) bool { return arrived(c.rest) })
	}
	switch {
	case len(out) < 2 || best > rankReason:
		return out
	case best == rankReason:
		for i, c := range out {
			end := len(ls)
			if i+1 < len(out) {
				end = out[i+1].line
			}
			if code(c.rest) < 0 && (c.rest != "" || !coded(ls[c.line:min(end, c.line+3)])) {
				return nil
			}
		}
		return out
	}
	return nil
}

// arrived tells whether what stands behind an address says that its mail went
// through.
func arrived(rest string) bool {
	f := strings.ToLower(strings.TrimLeft(rest, ".:-|([ \t"))
	for _, ok := range [...]string{"ok", "delivered", "sent", "success", "accepted", "250", "2.0.0", "2.1.5"} {
		if strings.HasPrefix(f, ok) && code(rest) < 0 {
			return true
		}
	}
	return false
}

// unsigned leaves out a signature (RFC 3676 §4.3): whom it names is to be asked,
// and did not fail. Rules of two hyphens that a layout draws have more behind
// them, or what failed.
func unsigned(ls []string) []string {
	const most = 8
	for i := len(ls) - 1; i > 0 && i >= len(ls)-most; i-- {
		if strings.TrimSpace(ls[i]) == "--" {
			return ls[:i]
		}
		if code(ls[i]) >= 0 || Failing(ls[i]) {
			break
		}
	}
	return ls
}

// ofSender tells whether a line names the sender, as in a table of labels.
func ofSender(line string) bool {
	k, _, ok := strings.Cut(line, ":")
	return ok && len(k) < 40 && senders()[strings.Trim(fold(k), " *-•=")]
}

func rankLine(line, t string, heading bool, own func(string) bool) candidate {
	if addr, rest, ok := opens(t); ok {
		if rest == "" && !strings.HasSuffix(t, ":") {
			return candidate{addr: addr, rank: rankAlone}
		}
		return candidate{addr: addr, rest: rest, rank: rankOpens}
	}
	if addr, ok := bare(t); ok {
		switch {
		case heading:
			return candidate{addr: addr, rank: rankListed}
		case strings.HasPrefix(t, "<") || indent(line) > 0 || strings.HasSuffix(t, ":"):
			return candidate{addr: addr, rank: rankAlone}
		}
		return candidate{addr: addr, rank: rankReason}
	}
	addr, start, end := findAddress(t)
	if addr == "" {
		return candidate{}
	}
	before := strings.TrimRight(t[:start], "<[('\" \t")
	rest := strings.TrimLeft(t[end:], ">])'\",;")
	label := ""
	if strings.HasSuffix(before, ":") || strings.HasSuffix(before, "=") || strings.HasPrefix(t[len(before):], "\t") {
		label = strings.Trim(fold(before), " *-•=:")
	}
	if labels()[label] {
		return candidate{addr: addr, rest: rest, rank: rankLabelled}
	}
	if before == "" || listMark(before) {
		r := strings.TrimSpace(rest)
		if strings.HasPrefix(r, ":") || strings.HasPrefix(r, "(") || strings.HasPrefix(r, "[") || strings.HasPrefix(r, "|") || strings.HasPrefix(r, "- ") || strings.HasPrefix(r, "...") || code(r) >= 0 {
			return candidate{addr: addr, rest: strings.TrimLeft(r, ":.| "), rank: rankReason}
		}
	}
	if senders()[label] || contact(addr) {
		return candidate{}
	}
	if again, from, to := findAddress(t[end:]); again != "" && !strings.EqualFold(again, addr) {
		if !own(addr) { // of two, either could be meant
			return failingSentence(t)
		}
		addr, start, end, label = again, end+from, end+to, ""
		before = strings.TrimRight(t[:start], "<[('\" \t")
	}
	if sentBy(before) {
		return candidate{}
	}
	at := strings.LastIndex(t[:start], ". ") + 1
	to := len(t)
	if i := strings.Index(t[end:], ". "); i >= 0 {
		to = end + i
	}
	// The address itself may hold such words.
	said := says(t[at:start] + t[end:to])
	return candidate{addr: addr, rest: t, rank: rankSentence, asks: said&(wordContact|wordFailure) == wordContact, named: label != "" && said&(wordFailure|wordList|wordMail) == 0}
}

// sentBy tells whether the words before an address make it a sender's.
func sentBy(before string) bool {
	w := strings.Fields(before[max(0, len(before)-40):])
	if len(w) == 0 {
		return false
	}
	switch strings.ToLower(w[len(w)-1]) {
	case "from", "von", "от":
		return true
	case "by":
		return len(w) > 1 && strings.EqualFold(w[len(w)-2], "sent")
	}
	return false
}

// failingSentence reads a line of several sentences, one of which names who
// failed, while others name somebody to write to.
func failingSentence(t string) (found candidate) {
	for _, s := range strings.SplitAfter(t, ". ") {
		addr, _, end := findAddress(s)
		if addr == "" {
			continue
		}
		w := says(s)
		if again, _, _ := findAddress(s[end:]); again != "" && !strings.EqualFold(again, addr) || w&(wordFailure|wordContact) == 0 || w&wordFailure != 0 && found.addr != "" {
			return candidate{}
		}
		if w&wordContact == 0 {
			found = candidate{addr: addr, rest: t, rank: rankSentence}
		}
	}
	return found
}

// listMark tells whether s is what a list puts before its items: "*", "2.", "3)".
func listMark(s string) bool {
	switch s {
	case "*", "-", "•", "·", "–", "|":
		return true
	}
	n := strings.TrimRight(s, ".)")
	return len(n) < len(s) && len(n) < 4 && strings.Trim(n, "0123456789") == ""
}

// opens reads `<addr>: reason`, `<addr>:` and `<addr>` at the begin of a line.
func opens(line string) (addr, rest string, ok bool) {
	if !strings.HasPrefix(line, "<") {
		return "", "", false
	}
	addr, n := scanAddress(line[1:])
	if n == 0 || !strings.HasPrefix(line[1+n:], ">") {
		return "", "", false
	}
	tail := strings.TrimSpace(line[n+2:])
	if tail == "" {
		return addr, "", true
	}
	if rest, ok := strings.CutPrefix(tail, ":"); ok {
		return addr, strings.TrimSpace(rest), true
	}
	return "", "", false
}

// Refusal tells whether text quotes an SMTP reply with words of failure or an
// enhanced status code: a telephone number can look like a reply code, too.
func Refusal(text string) bool {
	for l := range strings.Lines(text) {
		if at := code(l); at >= 0 && (Failing(l[at:]) || code(l[at:][min(len(l)-at, 4):]) == 0) {
			return true
		}
	}
	return false
}

// coded tells whether a reply code stands in one of the lines.
func coded(ls []string) bool {
	for _, l := range ls {
		if code(l) >= 0 {
			return true
		}
	}
	return false
}

// lineWords are the words of each line, looked at once.
type lineWords struct {
	ls    []string
	known []word
}

const (
	wordSeen word = 1 << 6
	wordCode word = 1 << 7 // a reply code stands in the line
)

func (w lineWords) at(i int) word {
	if w.known[i] == 0 {
		w.known[i] = says(strings.TrimSpace(w.ls[i])) | wordSeen
		if code(w.ls[i]) >= 0 {
			w.known[i] |= wordCode
		}
	}
	return w.known[i]
}

// near looks for such words in the lines around i.
func (w lineWords) near(i int, which word) bool {
	for j := max(0, i-3); j < min(len(w.ls), i+6); j++ {
		if w.ls[j] != "" && w.at(j)&which != 0 {
			return true
		}
	}
	return false
}

// replyAt returns the reply that belongs to c: from the first SMTP code behind
// the address, else the words behind it, else the paragraph it stands in.
func replyAt(ls []string, c candidate, end int) string {
	if c.rank == rankOpens && c.rest != "" || c.rank == rankReason && code(c.rest) >= 0 {
		reply := c.rest
		for i := c.line + 1; i < end && ls[i] != "" && !ofSender(ls[i]); i++ {
			reply = join(reply, ls[i])
		}
		return reply
	}
	for i := c.line; i < end; i++ {
		from := 0
		if i == c.line {
			from = max(0, len(ls[i])-len(c.rest))
		}
		at := code(ls[i][from:])
		if at < 0 {
			continue
		}
		reply := ""
		for j := i; j < end && (ls[j] != "" && !ofSender(ls[j]) || j == i); j++ {
			l := ls[j]
			if j == i {
				// The words before the code on its line belong to it: "host said: 550".
				l = ls[i]
				if i == c.line {
					l = ls[i][from:]
				}
			}
			reply = join(reply, l)
		}
		return reply
	}
	reply := c.rest
	i := c.line + 1
	if strings.TrimSpace(reply) == "" {
		i = skipBlank(ls, i)
	}
	for ; i < end && ls[i] != ""; i++ {
		reply = join(reply, ls[i])
	}
	if c.rank == rankSentence || reply == "" {
		reply = paragraph(ls, c.line)
		if more, _ := block(ls[:end], skipBlank(ls[:end], nextBlank(ls[:end], c.line)), nil); more != "" {
			reply = join(reply, more)
		}
	}
	return reply
}

func nextBlank(ls []string, i int) int {
	for most := i + paragraphLines; i < len(ls) && ls[i] != "" && i < most; {
		i++
	}
	return i
}

// paragraphLines is how many lines of a paragraph are looked at: notices have
// short ones, and each recipient of a long list would look at all of it.
const paragraphLines = 12

// paragraph joins the lines around i up to the blank lines.
func paragraph(ls []string, i int) string {
	for least := i - paragraphLines; i > 0 && ls[i-1] != "" && i > least; {
		i--
	}
	p, _ := block(ls[:min(len(ls), i+paragraphLines)], i, nil)
	return p
}

// code returns where an SMTP reply (RFC 5321 §4.2) or an enhanced status code
// (RFC 3463) of class 4 or 5 begins in s, or -1.
func code(s string) int {
	for i := 0; i+2 < len(s); i++ {
		if s[i] != '4' && s[i] != '5' || i > 0 && (isDomain(s[i-1]) || s[i-1] == '.' || s[i-1] == '-' || s[i-1] == ':' && i > 1 && s[i-2] >= '0' && s[i-2] <= '9') {
			continue
		}
		if digit(s[i+1]) && digit(s[i+2]) && s[i+1] <= '9' {
			if i+3 == len(s) || (s[i+3] == ' ' || s[i+3] == '\t') && !unit(s[i+4:]) || s[i+3] == '-' && i+4 < len(s) && !digit(s[i+4]) || s[i+3] == '-' && i+5 < len(s) && s[i+5] == '.' {
				return i
			}
			continue
		}
		if s[i+1] == '.' && digit(s[i+2]) {
			j := i + 2
			for j < len(s) && j < i+5 && digit(s[j]) {
				j++
			}
			if j+1 < len(s) && s[j] == '.' && digit(s[j+1]) {
				k := j + 1
				for k < len(s) && k < j+4 && digit(s[k]) {
					k++
				}
				if k == len(s) || !digit(s[k]) && (s[k] != '.' || k+1 == len(s) || !digit(s[k+1])) {
					return i
				}
			}
		}
	}
	return -1
}

// unit tells whether a number is an amount rather than a reply code.
func unit(s string) bool {
	for _, u := range [...]string{"bytes", "KB", "MB", "kB", "seconds", "minutes", "hours", "days", "messages", "recipients"} {
		if strings.HasPrefix(s, u) {
			return true
		}
	}
	return false
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
