package notice

import (
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/dsn"
	"harvester/parse/view"
)

// goingOnHead is how much of a text is searched for the promise of more
// attempts, in bytes: it stands below the recipients.
const goingOnHead = 4 << 10

// KindOf is KindDelay where the notice is about a delivery that goes on. Where
// the status part gives every recipient its action nobody asks, and the words
// need not be searched.
func KindOf(m *view.Mail, head string) bounce.Kind {
	if !settled(m.Report) && delayed(m, head) {
		return bounce.KindDelay
	}
	return bounce.KindBounce
}

// settled tells whether r names recipients, each with an action.
func settled(r *dsn.Report) bool {
	if r == nil {
		return false
	}
	for i := range r.Recipients {
		if r.Recipients[i].Action == bounce.ActionNone {
			return false
		}
	}
	return len(r.Recipients) > 0
}

// delayed tells whether a notice, by its subject and the first words of its
// text, is about a delivery that goes on.
func delayed(m *view.Mail, head string) bool {
	if OfDelay(m) {
		return true
	}
	got := WordsIn(ownWords(head[:min(len(head), 1500)], false))
	return got&WordDelay != 0 && got&wordFinal == 0 || got&wordGoesOn != 0 && goesOn(head)
}

// OfDelay tells whether the subject is one of a delay. The subject of the
// returned mail, which many repeat, may well speak of a late parcel.
func OfDelay(m *view.Mail) bool {
	subject := m.Subject
	if m.Original != nil {
		if returned := m.Original.Header.Text("Subject"); len(returned) > 3 {
			subject = strings.Replace(subject, returned, "", 1)
		}
	}
	// "Undeliverable: Your parcel is delayed", of a layout that returns nothing.
	if intro, _, ok := strings.Cut(subject, ": "); ok && !strings.EqualFold(intro, "Returned mail") && WordsIn(intro)&(WordFailure|WordDelay) == WordFailure {
		subject = intro
	}
	return WordsIn(subject)&WordDelay != 0
}

// goesOn tells whether the system promises in its own words to try again, and
// does not take it back. What a reply says of trying again is advice to it.
func goesOn(head string) bool {
	got := WordsIn(ownWords(head[:min(len(head), goingOnHead)], true))
	return got&wordGoesOn != 0 && got&wordGivenUp == 0
}

// ownWords leaves out the lines that repeat the subject of the returned mail, and
// with replies also those that hold a reply.
func ownWords(head string, replies bool) string {
	var out strings.Builder
	from := 0
	for at := 0; at < len(head); {
		end := len(head)
		if n := strings.IndexByte(head[at:], '\n'); n >= 0 {
			end = at + n + 1
		}
		if l := head[at:end]; ofSubject(l) || replies && CodeAt(l) >= 0 {
			out.WriteString(head[from:at])
			from = end
		}
		at = end
	}
	if from == 0 {
		return head
	}
	out.WriteString(head[from:])
	return out.String()
}

// Settle makes a notice one of delay where its subject is, or where the system
// promises to try again, under whatever heading it lists the recipients: they
// have "fatal errors" at Zoho while "4 more days" are left. A notice that lists
// the delayed ones apart is believed.
func (n *Notice) Settle(m *view.Mail) {
	if n == nil || settled(m.Report) || n.Kind == bounce.KindDelivered {
		return
	}
	for i := range n.Failures {
		if n.Failures[i].Action == bounce.Delayed {
			return
		}
	}
	if head, _ := CutReturned(m.Text); !OfDelay(m) && !goesOn(head) {
		return
	}
	n.Kind = bounce.KindDelay
	for i := range n.Failures {
		if n.Failures[i].Action == bounce.Failed {
			n.Failures[i].Action = bounce.Delayed
		}
	}
}
