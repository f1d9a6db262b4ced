package sentlog

import (
	"strings"
	"time"
)

// sendmail reads what Sendmail logs (Sendmail Installation and Operation
// Guide, §2.1.1): a line with from= and msgid=, then one with to= for each try.
type sendmail struct {
	now  time.Time
	open Open
}

func (s *sendmail) Open() *Open { return &s.open }

func (s *sendmail) Line(line string) ([]Row, error) {
	at, program, text, ok := syslog(line, s.now)
	if !ok || program != "sendmail" && program != "sm-mta" && program != "sm-msp-queue" {
		return nil, nil
	}
	queue, text, ok := strings.Cut(text, ": ")
	if !ok || strings.Contains(queue, " ") {
		return nil, nil
	}
	if strings.HasPrefix(text, "from=") {
		m := s.open.get(queue)
		m.Sender, _ = angled(text, "from")
		m.Null = strings.HasPrefix(text, "from=<>")
		m.ID, _ = angled(text, "msgid")
		s.open.put(queue, m)
		return nil, nil
	}
	if !strings.HasPrefix(text, "to=") {
		return nil, nil
	}
	switch mailer := plain(text, "mailer"); {
	case !strings.HasSuffix(mailer, "smtp") && mailer != "relay" && mailer != "smtp8":
		return nil, nil
	case loopback(plain(text, "relay")):
		return nil, nil
	}
	list, _, _ := strings.Cut(text[len("to="):], ", ") // of a long one, Sendmail logs several lines
	var out []Row
	for to := range strings.SplitSeq(list, ",") {
		if r, ok := s.open.row(at, queue, strings.Trim(to, "<>")); ok {
			out = append(out, r)
		}
	}
	return out, nil
}
