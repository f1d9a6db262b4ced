package notice

import "strings"

// transcript is an SMTP dialogue as mail systems quote it: `>>>` what was
// sent, `<<<` what was answered, and summaries of the quoting system.
type transcript struct {
	Said    []utterance
	about   map[string][]int // address in lower case → what concerns it, in order
	answers map[string]int   // host → the first thing it said to the session
	answer  int              // the first thing any host said to the session, or -1
	session int              // the first thing that concerns nobody, or -1
	begun   map[string]int   // first line of a reply of several → the whole
}

// maxSaid bounds a transcript. Real ones have some dozen lines.
const maxSaid = 10_000

type utterance struct {
	addr    string // whom it concerns; "" for the session
	text    string
	host    string
	summary bool
	first   string // of a reply of several lines; "" for others
}

func ReadTranscript(ls []string) transcript {
	t := transcript{Said: utterances(ls), about: map[string][]int{}, answers: map[string]int{}, begun: map[string]int{}, answer: -1, session: -1}
	for i, u := range t.Said {
		if u.first != "" {
			t.begun[u.first] = i
		}
		if u.addr != "" {
			key := strings.ToLower(u.addr)
			t.about[key] = append(t.about[key], i)
			continue
		}
		if t.session < 0 {
			t.session = i
		}
		if u.summary {
			continue
		}
		if t.answer < 0 {
			t.answer = i
		}
		if _, known := t.answers[u.host]; !known {
			t.answers[u.host] = i
		}
	}
	return t
}

func utterances(ls []string) []utterance {
	var t struct{ said []utterance }
	var host, rcpt string
	answer := -1 // the utterance that a multi-line answer continues
	for _, l := range ls {
		if len(t.said) >= maxSaid {
			break
		}
		s := strings.TrimSpace(l)
		switch {
		case s == "":
			answer = -1
		case strings.HasPrefix(s, "... while talking to "), strings.HasPrefix(s, "While talking to "), strings.HasPrefix(s, "... while talking to"):
			_, h, _ := strings.Cut(s, "talking to ")
			host = strings.TrimRight(h, ".:")
			rcpt, answer = "", -1
		case strings.HasPrefix(s, ">>>"):
			cmd := strings.ToUpper(s)
			if strings.Contains(cmd, "RCPT TO") {
				rcpt, _, _ = FindAddress(s)
			} else {
				rcpt = ""
			}
			answer = -1
		case strings.HasPrefix(s, "<<<"):
			s = strings.TrimSpace(s[3:])
			if strings.HasPrefix(s, "2") || strings.HasPrefix(s, "3") {
				rcpt = "" // was accepted: what comes next is about something else
				continue
			}
			if answer < 0 {
				t.said = append(t.said, utterance{addr: rcpt, text: s, host: host})
				answer = len(t.said) - 1
			} else {
				u := &t.said[answer]
				if u.first == "" {
					u.first = u.text
				}
				u.text = AppendLine(u.text, s)
			}
			if !goesOnBelow(s) {
				answer = -1
			}
		default:
			answer = -1
			a, _, _ := FindAddress(s)
			if a == "" && CodeAt(s) < 0 && !Failing(s) {
				continue
			}
			t.said = append(t.said, utterance{addr: a, text: s, host: host, summary: true})
		}
	}
	return t.said
}

// goesOnBelow tells whether a line of a reply is not its last (RFC 5321
// §4.2.1). Of a line without a code nobody knows.
func goesOnBelow(line string) bool {
	return len(line) < 4 || !digit(line[0]) || !digit(line[1]) || !digit(line[2]) || line[3] == '-'
}

// Whole returns the reply that began with line, where its others stand in the
// transcript.
func (t transcript) Whole(line string) string {
	if i, ok := t.begun[line]; ok {
		return t.Said[i].text
	}
	return line
}

// Of returns what was said of addr: an answer to its RCPT, else a reply that
// the summary about it quotes, else what the host of that summary said to the
// session, else the summary, else what was said at all.
func (t transcript) Of(addr string) (text, host string) {
	mine := t.about[strings.ToLower(addr)]
	summary, quoting := -1, -1
	for _, i := range mine {
		u := t.Said[i]
		if !u.summary {
			return u.text, u.host
		}
		if at := strings.Index(u.text, "... "); quoting < 0 && at >= 0 && CodeAt(u.text[at:]) > 0 {
			quoting = i
		}
		if summary < 0 {
			summary = i
		}
	}
	answer := t.answer
	if summary >= 0 && t.Said[mine[len(mine)-1]].host != "" {
		i, known := t.answers[t.Said[mine[len(mine)-1]].host]
		if answer = i; !known {
			answer = -1
		}
	}
	for _, i := range [...]int{quoting, answer, summary, t.session} {
		if i >= 0 {
			return t.Said[i].text, t.Said[i].host
		}
	}
	return "", ""
}

// Named returns the recipients of a transcript without a list: those of
// `<addr>...` summaries, else those whose RCPT was refused.
func (t transcript) Named() []Failure {
	var out []Failure
	known := map[string]bool{}
	add := func(u utterance) {
		key := strings.ToLower(u.addr)
		if known[key] {
			return
		}
		known[key] = true
		text, host := t.Of(u.addr)
		out = append(out, Failure{Address: u.addr, Reply: text, Remote: host})
	}
	for _, u := range t.Said {
		if u.summary && u.addr != "" && strings.Contains(u.text, "...") {
			add(u)
		}
	}
	if len(out) == 0 {
		for _, u := range t.Said {
			if !u.summary && u.addr != "" {
				add(u)
			}
		}
	}
	return out
}
