package sentlog

import (
	"strings"
	"time"
)

// exim reads the main log of Exim (specification, "Log files"): "<=" begins a
// mail, "=>" and "->" deliver it, "==" defers it, "**" gives a recipient up.
type exim struct {
	zone *time.Location
	open Open
}

func (e *exim) Open() *Open { return &e.open }

func (e *exim) Line(line string) ([]Row, error) {
	const stamp = "2006-01-02 15:04:05"
	if len(line) < len(stamp)+1 {
		return nil, nil
	}
	end := len(stamp)
	if line[end] == '.' { // log_selector = +millisec
		end = strings.IndexByte(line, ' ') + 1
		if next := strings.IndexByte(line[end:], ' '); next >= 0 {
			end += next
		}
	}
	at, err := time.ParseInLocation(stamp, line[:len(stamp)], e.zone)
	if err != nil {
		return nil, nil //nolint:nilerr // a line of something else
	}
	fields := strings.Fields(line[end:])
	if len(fields) > 0 && (fields[0][0] == '+' || fields[0][0] == '-') { // log_timezone
		if t, err := time.Parse(stamp+" -0700", line[:len(stamp)]+" "+fields[0]); err == nil {
			at = t
		}
		fields = fields[1:]
	}
	if len(fields) > 0 && fields[0][0] == '[' { // log_selector = +pid
		fields = fields[1:]
	}
	if len(fields) < 2 {
		return nil, nil
	}
	queue, flag := fields[0], fields[1]
	switch flag {
	case "<=":
		m := Mail{}
		if len(fields) > 2 && fields[2] != "<>" {
			m.Sender = fields[2]
		}
		m.Null = m.Sender == ""
		for _, f := range fields {
			if id, ok := strings.CutPrefix(f, "id="); ok {
				m.ID = id
			}
		}
		e.open.put(queue, m)
	case "Completed":
		e.open.done(queue)
	case "=>", "->", "**", "==":
		if r, ok := e.recipient(at, queue, flag, fields[2:]); ok {
			return []Row{r}, nil
		}
	}
	return nil, nil
}

// recipient reads "kate@example.net" or "kate <alias@example.org>", where the
// address in brackets is the one that was mailed.
func (e *exim) recipient(at time.Time, queue, flag string, fields []string) (Row, bool) {
	if len(fields) == 0 {
		return Row{}, false
	}
	to, remote := strings.TrimSuffix(fields[0], ":"), flag == "**" || flag == "=="
	for _, f := range fields[1:] {
		if strings.HasPrefix(f, "<") && strings.Contains(f, "@") && !remote {
			to = strings.Trim(f, "<>:")
		}
		if host, ok := strings.CutPrefix(f, "H="); ok {
			if loopback(host) {
				return Row{}, false
			}
			remote = true // without a host it was delivered on this machine
		}
	}
	if !remote {
		return Row{}, false
	}
	return e.open.row(at, queue, to)
}
