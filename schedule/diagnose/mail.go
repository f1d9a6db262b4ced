package diagnose

import (
	"strings"

	"harvester/parse"
)

// headers looks at what the returned mail itself breaks.
func (c *Checker) headers(ev *Evidence) []Finding {
	if ev.Header == nil {
		return nil
	}
	var list []Finding
	for _, name := range [...]string{"From", "Date", "Message-ID", "Subject"} {
		n := len(ev.Header.All(name))
		if n < 2 && (n == 1 || name == "Subject" || len(ev.Header) < 6) {
			continue
		}
		f := c.finding(ev, "mail.header", Confirmed, UsMail, "the mail has %d %s fields", n, name)
		if n == 0 {
			f.Answer = "the mail has no " + name + " field"
		}
		f.Source = "RFC 5322 §3.6"
		f.Advice = name != "From"
		f.Steps = append(f.Steps, "Mend the program that makes the mail.")
		list = append(list, f)
	}
	return append(list, c.unsubscribes(ev)...)
}

// unsubscribes looks at how mail to a list that came back lets people
// unsubscribe, as Gmail and Yahoo ask of bulk senders.
func (c *Checker) unsubscribes(ev *Evidence) []Finding {
	how := parse.UnsubscribeOf(ev.Header)
	list := ev.Header.Has("List-Id") || strings.EqualFold(strings.TrimSpace(ev.Header.Get("Precedence")), "bulk")
	what := map[parse.Unsubscribe]string{parse.UnsubscribeMail: "offers to unsubscribe by a mail alone", parse.UnsubscribeLink: "has no List-Unsubscribe-Post field, or no https link",
		parse.UnsubscribeUnsigned: "offers one click to unsubscribe, but no signature covers both fields"}[how]
	if list && how == parse.UnsubscribeNone {
		what = "goes to a list, and has no List-Unsubscribe field"
	}
	if what == "" {
		return nil
	}
	f := c.finding(ev, "mail.unsubscribe", Confirmed, UsMail, "the mail %s; Gmail and Yahoo want one click of bulk senders", what)
	f.Advice, f.Source = true, "RFC 8058"
	f.Subject = Subject{Domain: canonical(ev.From), Identity: "from"}
	f.Steps = append(f.Steps, "Send List-Unsubscribe with an https link, and List-Unsubscribe-Post: List-Unsubscribe=One-Click; name both in h= of the signature. Mail that nobody subscribed to needs none.")
	f.Measured = append(f.Measured, c.looked("List-Unsubscribe of the returned mail", strings.Join(ev.Header.All("List-Unsubscribe"), ", "), ""),
		c.looked("List-Unsubscribe-Post of the returned mail", strings.Join(ev.Header.All("List-Unsubscribe-Post"), ", "), ""))
	return []Finding{f}
}
