package main

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"harvester/parse"
)

// showJSON appends one object and a line end: "file", then the fields of
// parse.Result as its tags name them. It is written by hand because reflection
// took a good part of the time of a message; a test holds it equal to
// encoding/json.
func showJSON(dst []byte, file string, r *parse.Result) []byte {
	o := object{dst: append(dst, '{')}
	o.str("file", file)
	o.str("kind", r.Kind.String())
	o.str("dialect", r.Dialect)
	o.str("message_id", r.MessageID)
	o.str("reporting_mta", r.ReportingMTA)
	o.time("arrival", r.Arrival)
	o.open("original", '{')
	o.str("message_id", r.Original.MessageID)
	o.str("from", r.Original.From)
	o.str("to", r.Original.To)
	o.str("subject", r.Original.Subject)
	o.str("date", r.Original.Date)
	o.opt("return_path", r.Original.ReturnPath)
	o.opt("sender", r.Original.Sender)
	o.opt("list_id", r.Original.ListID)
	o.opt("feedback_id", r.Original.FeedbackID)
	if len(r.Original.DKIM) > 0 {
		o.list("dkim", r.Original.DKIM)
	}
	o.close('}')
	o.str("feedback_type", r.FeedbackType)
	o.open("recipients", '[')
	for i := range r.Recipients {
		o.recipient(&r.Recipients[i])
	}
	o.close(']')
	o.list("notes", r.Notes)
	o.opt("from", r.From)
	o.opt("return_path", r.ReturnPath)
	o.opt("delivered_to", r.DeliveredTo)
	o.opt("subject", r.Subject)
	if !r.Date.IsZero() {
		o.time("date", r.Date)
	}
	o.opt("envelope_id", r.EnvelopeID)
	o.opt("sender_message", r.SenderMessage)
	o.opt("hint", r.Hint)
	o.opt("rules", r.Rules)
	return append(o.dst, '}', '\n')
}

func (o *object) recipient(r *parse.Recipient) {
	o.comma()
	o.dst = append(o.dst, '{')
	o.str("recipient", r.Recipient)
	o.str("original_recipient", r.OriginalRecipient)
	o.str("final_recipient", r.FinalRecipient)
	o.str("action", r.Action.String())
	o.str("status", r.Status)
	o.key("reply_code")
	o.dst = strconv.AppendInt(o.dst, int64(r.ReplyCode), 10)
	o.str("reason", r.Reason.String())
	o.str("fault", r.Fault.String())
	o.str("class", r.Class.String())
	o.str("vendor", r.Vendor)
	o.str("rule", r.Rule)
	o.str("confidence", r.Confidence.String())
	o.str("remote_mta", r.RemoteMTA)
	o.str("diagnostic", r.Diagnostic)
	o.str("evidence", r.Evidence)
	o.certainty(r.Certainty, r.Unread)
	o.close('}')
}

// certainty appends how sure a reason is, and what was not understood.
func (o *object) certainty(sure float64, unread string) {
	o.key("certainty")
	o.dst = strconv.AppendFloat(o.dst, sure, 'f', 2, 64)
	if unread == "" {
		return
	}
	o.open("unread", '[')
	for clause := range strings.SplitSeq(unread, "\n") {
		o.comma()
		o.dst = appendString(o.dst, clause)
	}
	o.close(']')
}

// object appends JSON.
type object struct{ dst []byte }

func (o *object) comma() {
	switch o.dst[len(o.dst)-1] {
	case '{', '[':
	default:
		o.dst = append(o.dst, ',')
	}
}

func (o *object) key(name string) {
	o.comma()
	o.dst = append(o.dst, '"')
	o.dst = append(o.dst, name...)
	o.dst = append(o.dst, '"', ':')
}

func (o *object) open(name string, bracket byte) {
	o.key(name)
	o.dst = append(o.dst, bracket)
}

func (o *object) close(bracket byte) { o.dst = append(o.dst, bracket) }

func (o *object) str(name, v string) {
	o.key(name)
	o.dst = appendString(o.dst, v)
}

func (o *object) opt(name, v string) {
	if v != "" {
		o.str(name, v)
	}
}

func (o *object) time(name string, t parse.Time) {
	o.key(name)
	text, _ := t.MarshalText() // it never fails
	o.dst = append(o.dst, '"')
	o.dst = append(o.dst, text...)
	o.dst = append(o.dst, '"')
}

func (o *object) list(name string, list []string) {
	o.open(name, '[')
	for i, v := range list {
		if i > 0 {
			o.dst = append(o.dst, ',')
		}
		o.dst = appendString(o.dst, v)
	}
	o.close(']')
}

const hexDigits = "0123456789abcdef"

// appendString quotes s (RFC 8259 §7). Bytes that are not UTF-8 become U+FFFD;
// U+2028 and U+2029 are escaped, as encoding/json does for JavaScript's sake.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
			if (r != utf8.RuneError || size > 1) && r != '\u2028' && r != '\u2029' {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		switch r {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		}
		i += size
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
