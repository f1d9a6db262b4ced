package main

import (
	"fmt"
	"strings"

	"harvester/parse"
	"harvester/parse/bounce"
)

// showText returns a function that appends what a message says, for people:
// one line for the message, one for each recipient, and with why the reply and
// what decided.
func showText(why bool, c colours) func(dst []byte, file string, r *parse.Result) []byte {
	return func(dst []byte, file string, r *parse.Result) []byte {
		dst = fmt.Appendf(dst, "%s\n  %s", printable(file), c.bold(r.Kind.String()))
		if r.Dialect != "" {
			dst = fmt.Appendf(dst, ", laid out by %s", r.Dialect)
		}
		if r.ReportingMTA != "" {
			dst = fmt.Appendf(dst, ", reported by %s", printable(r.ReportingMTA))
		}
		if r.FeedbackType != "" {
			dst = fmt.Appendf(dst, ", type %s", printable(r.FeedbackType))
		}
		if r.Hint != "" {
			dst = fmt.Appendf(dst, ", hint: %s", printable(r.Hint))
		}
		dst = append(dst, '\n')
		for i := range r.Recipients {
			dst = textRecipient(dst, &r.Recipients[i], why, c)
		}
		if why {
			for _, n := range r.Notes {
				dst = fmt.Appendf(dst, "    note      %s\n", printable(n))
			}
		}
		return dst
	}
}

func textRecipient(dst []byte, r *parse.Recipient, why bool, c colours) []byte {
	address := r.Recipient
	if address == "" {
		address = "(nobody named)"
	}
	dst = fmt.Appendf(dst, "  %s  %s\n", c.bold(printable(address)), r.Action)
	if r.Action == bounce.Failed || r.Action == bounce.Delayed {
		dst = fmt.Appendf(dst, "    reason    %s\n", verdictText(r.Reason, r.Class, c))
	}
	if codes := codesText(r.ReplyCode, r.Status); codes != "" {
		dst = fmt.Appendf(dst, "    codes     %s\n", printable(codes))
	}
	if !why {
		return dst
	}
	line := func(name, v string) {
		if v != "" {
			dst = fmt.Appendf(dst, "    %-9s %s\n", name, wrap(printable(v), 80-14, 14))
		}
	}
	if r.FinalRecipient != r.Recipient {
		line("final", r.FinalRecipient)
	}
	line("said by", r.RemoteMTA)
	line("reply", r.Diagnostic)
	line("matched", r.Evidence)
	line("rule", r.Rule)
	line("rests on", r.Confidence.String())
	for clause := range strings.SplitSeq(r.Unread, "\n") {
		line("unread", clause)
	}
	return dst
}

// verdictText names a reason and who must act on it.
func verdictText(r parse.Reason, class parse.Class, c colours) string {
	text := r.String()
	switch {
	case class == bounce.ClassHard:
		text = c.red(text)
	case r.Fault() == bounce.FaultSender || r.Fault() == bounce.FaultMessage:
		text = c.yellow(text)
	}
	if class == bounce.ClassNone {
		return fmt.Sprintf("%s (%s)", text, faultText(r.Fault()))
	}
	return fmt.Sprintf("%s (%s; %s)", text, faultText(r.Fault()), class)
}

// faultText says in words whose fault it was.
func faultText(f parse.Fault) string {
	switch f {
	case bounce.FaultRecipient:
		return "the address"
	case bounce.FaultRecipientPolicy:
		return "the recipient does not want it"
	case bounce.FaultSender:
		return "yours to mend"
	case bounce.FaultMessage:
		return "this mail"
	case bounce.FaultReceiver:
		return "the receiver or the network"
	case bounce.FaultNone:
		return "nobody's fault"
	}
	return "unknown fault"
}

func codesText(code int, status string) string {
	if code == 0 {
		return status
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", code, status))
}

// printable takes control characters out of text from mail, so that it can't
// steer a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s)
}

// wrap breaks s between words into lines of a width, indented but for the first.
func wrap(s string, width, indent int) string {
	var b strings.Builder
	n := 0
	for i, word := range strings.Fields(s) {
		size := len([]rune(word))
		switch {
		case i == 0:
		case n+1+size > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += size
	}
	return b.String()
}
