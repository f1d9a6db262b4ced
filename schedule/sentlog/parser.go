package sentlog

import (
	"fmt"
	"strings"
	"time"
)

// Row is one mail to one recipient.
type Row struct {
	At        time.Time
	MessageID string // or, where a log has none, what tells the mail from others
	Sender    string // of the envelope; "" where the log does not say
	Recipient string
	Stream    string // "" where the file does not say
	Line      int    // set by Rows
}

// Parser reads one format, a line at a time. Rows come once a recipient is
// mentioned with what became of him, and possibly again. Logs are full of other
// lines, which yield nothing; a ledger's broken line is an error.
type Parser interface {
	Line(text string) ([]Row, error)

	// Open is what has been seen of mail that is still on its way, for the next
	// look into the same log; nil where lines stand for themselves.
	Open() *Open
}

// New is a parser for a format. Logs without year or zone are read as of now,
// in its zone.
func New(format string, now time.Time) (Parser, error) {
	switch format {
	case "csv", "powermta":
		return &csvLedger{zone: now.Location()}, nil
	case "jsonl":
		return &lines{zone: now.Location()}, nil
	case "postfix":
		return &postfix{now: now}, nil
	case "sendmail":
		return &sendmail{now: now}, nil
	case "exim":
		return &exim{zone: now.Location()}, nil
	}
	return nil, fmt.Errorf("there is no format %q (one of %s)", format, strings.Join(Formats, ", "))
}

// Formats are the names that New knows.
var Formats = []string{"csv", "jsonl", "postfix", "exim", "sendmail", "powermta"}

// Open is the mail that a log has mentioned and not yet finished, by queue id.
// It is bounded: of the oldest, only recipients are lost to the ledger.
type Open struct {
	Recent map[string]Mail `json:"recent,omitempty"`
	Older  map[string]Mail `json:"older,omitempty"`
}

// Mail is what the first lines about a mail say.
type Mail struct {
	ID     string `json:"id,omitempty"`
	Sender string `json:"sender,omitempty"`
	Null   bool   `json:"null,omitempty"` // a notice: its sender is the null path
}

// openLimit is how much mail each of the two halves holds.
const openLimit = 20_000

func (o *Open) get(queue string) Mail {
	if m, ok := o.Recent[queue]; ok {
		return m
	}
	return o.Older[queue]
}

func (o *Open) put(queue string, m Mail) {
	if o.Recent == nil {
		o.Recent = map[string]Mail{}
	}
	if _, ok := o.Recent[queue]; !ok && len(o.Recent) >= openLimit {
		o.Older, o.Recent = o.Recent, map[string]Mail{}
	}
	o.Recent[queue] = m
}

func (o *Open) done(queue string) {
	delete(o.Recent, queue)
	delete(o.Older, queue)
}

// row is that of a recipient; false for a notice of the server itself.
func (o *Open) row(at time.Time, queue, recipient string) (Row, bool) {
	m := o.get(queue)
	if i := strings.LastIndexByte(recipient, '@'); m.Null || i < 1 || i == len(recipient)-1 {
		return Row{}, false
	}
	id := strings.Trim(m.ID, "<> \t")
	if id == "" { // the log begins later; queue ids are used again some day
		id = "queue " + queue + " " + at.UTC().Format(time.DateOnly)
	}
	return Row{At: at, MessageID: id, Sender: m.Sender, Recipient: recipient}, true
}

// syslog takes a line of syslog apart: RFC 3339 times as journald and newer
// rsyslog write them, or those of RFC 3164, which know neither year nor zone.
func syslog(line string, now time.Time) (at time.Time, program, text string, ok bool) {
	var rest string
	if len(line) > 15 && line[3] == ' ' {
		t, err := time.ParseInLocation(time.Stamp, line[:15], now.Location())
		if err != nil {
			return at, "", "", false
		}
		at = t.AddDate(now.Year(), 0, 0)
		if at.After(now.AddDate(0, 0, 1)) {
			at = t.AddDate(now.Year()-1, 0, 0)
		}
		rest = strings.TrimPrefix(line[15:], " ")
	} else {
		stamp, after, _ := strings.Cut(line, " ")
		t, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			return at, "", "", false
		}
		at, rest = t, after
	}
	_, rest, ok = strings.Cut(rest, " ") // the host
	if !ok {
		return at, "", "", false
	}
	program, text, ok = strings.Cut(rest, ": ")
	program, _, _ = strings.Cut(program, "[")
	return at, program, text, ok
}

// angled is the value of key=<value> in a log's line.
func angled(text, key string) (value string, ok bool) {
	i := strings.Index(text, key+"=<")
	if i < 0 || i > 0 && text[i-1] != ' ' {
		return "", false
	}
	value, _, ok = strings.Cut(text[i+len(key)+2:], ">")
	return value, ok
}

// plain is the value of key=value up to a comma or blank.
func plain(text, key string) string {
	i := strings.Index(text, " "+key+"=")
	if i < 0 {
		return ""
	}
	value := text[i+len(key)+2:]
	if end := strings.IndexAny(value, ", "); end >= 0 {
		value = value[:end]
	}
	return value
}

// loopback tells whether a log names this machine as the next hop: a content
// filter, whose own delivery comes later in the log.
func loopback(relay string) bool {
	return strings.Contains(relay, "[127.") || strings.Contains(relay, "[::1]") || strings.HasPrefix(relay, "127.") || strings.HasPrefix(relay, "localhost")
}
