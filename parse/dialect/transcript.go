package dialect

import "strings"

// transcript is an SMTP dialogue as mail systems quote it: `>>>` what was
// sent, `<<<` what was answered, and summaries of the quoting system.
type transcript struct{ said []utterance }

type utterance struct {
	addr    string // whom it concerns; "" for the session
	text    string
	host    string
	summary bool
}

func readTranscript(ls []string) transcript {
	var t transcript
	var host, rcpt string
	answer := -1 // the utterance that a multi-line answer continues
	for _, l := range ls {
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
				rcpt, _, _ = findAddress(s)
			} else {
				rcpt = ""
			}
			answer = -1
		case strings.HasPrefix(s, "<<<"):
			s = strings.TrimSpace(s[3:])
			if strings.HasPrefix(s, "2") || strings.HasPrefix(s, "3") {
				continue
			}
			if answer >= 0 {
				t.said[answer].text = join(t.said[answer].text, s)
				continue
			}
			t.said = append(t.said, utterance{addr: rcpt, text: s, host: host})
			answer = len(t.said) - 1
		default:
			answer = -1
			a, _, _ := findAddress(s)
			if a == "" && code(s) < 0 && !Failing(s) {
				continue
			}
			t.said = append(t.said, utterance{addr: a, text: s, host: host, summary: true})
		}
	}
	return t
}

// of returns what was said of addr: an answer to its RCPT, else what the host
// of the summary that names it said to the session, else that summary, else
// what was said at all.
func (t transcript) of(addr string) (text, host string) {
	about := ""
	for _, u := range t.said {
		if u.summary && strings.EqualFold(u.addr, addr) {
			about = u.host
		}
	}
	quotes := func(u utterance) bool {
		return strings.Contains(u.text, "... ") && code(u.text[strings.Index(u.text, "... "):]) > 0
	}
	for _, want := range [...]func(u utterance) bool{
		func(u utterance) bool { return !u.summary && strings.EqualFold(u.addr, addr) },
		func(u utterance) bool { return u.summary && strings.EqualFold(u.addr, addr) && quotes(u) },
		func(u utterance) bool { return !u.summary && u.addr == "" && (about == "" || u.host == about) },
		func(u utterance) bool { return u.summary && strings.EqualFold(u.addr, addr) },
		func(u utterance) bool { return u.addr == "" },
	} {
		for _, u := range t.said {
			if want(u) {
				return u.text, u.host
			}
		}
	}
	return "", ""
}

// named returns the recipients of a transcript without a list: those of
// `<addr>...` summaries, else those whose RCPT was refused.
func (t transcript) named() []Failure {
	var out []Failure
	add := func(u utterance) {
		for _, f := range out {
			if strings.EqualFold(f.Address, u.addr) {
				return
			}
		}
		text, host := t.of(u.addr)
		out = append(out, Failure{Address: u.addr, Reply: text, Remote: host})
	}
	for _, u := range t.said {
		if u.summary && u.addr != "" && strings.Contains(u.text, "...") {
			add(u)
		}
	}
	if len(out) == 0 {
		for _, u := range t.said {
			if !u.summary && u.addr != "" {
				add(u)
			}
		}
	}
	return out
}
