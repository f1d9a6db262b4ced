package sentlog

import (
	"strings"
	"time"
)

// postfix reads what Postfix logs of mail that leaves by SMTP: cleanup names
// the Message-ID, qmgr the sender, smtp each recipient
// (https://www.postfix.org/DEBUG_README.html#logging).
type postfix struct {
	now  time.Time
	open Open
}

func (p *postfix) Open() *Open { return &p.open }

func (p *postfix) Line(line string) ([]Row, error) {
	at, program, text, ok := syslog(line, p.now)
	slash := strings.LastIndexByte(program, '/')
	if !ok || slash < 0 || !strings.HasPrefix(program, "postfix") {
		return nil, nil
	}
	queue, text, ok := strings.Cut(text, ": ")
	if !ok || strings.Contains(queue, " ") {
		return nil, nil
	}
	switch program[slash+1:] {
	case "cleanup":
		if id, ok := angled(text, "message-id"); ok {
			m := p.open.get(queue)
			m.ID = id
			p.open.put(queue, m)
		}
	case "qmgr":
		if text == "removed" {
			p.open.done(queue)
		} else if from, ok := angled(text, "from"); ok {
			m := p.open.get(queue)
			m.Sender, m.Null = from, from == ""
			p.open.put(queue, m)
		}
	case "smtp":
		to, ok := angled(text, "to")
		if !ok || plain(text, "status") == "" || loopback(plain(text, "relay")) {
			return nil, nil
		}
		if r, ok := p.open.row(at, queue, to); ok {
			return []Row{r}, nil
		}
	}
	return nil, nil
}
