// Package autoreply tells what a mail is that reports no failure: automatic
// answers (RFC 3834), receipts (RFC 8098), opt-outs, challenges, notices, and
// mail of people that quotes or encloses a bounce.
//
// What shows a kind stands in signs/*.toml, by language; the order in which
// the signs speak stands here. Header fields come first, the text is read only
// when they say nothing.
package autoreply

import (
	"fmt"
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/view"
)

const unsubscribe = bounce.KindUnsubscribe

// Verdict is what a mail is, in place of a failure.
type Verdict struct {
	Kind bounce.Kind
	Why  string // the sign that showed it, in English
	// Weak tells that it rests on words of the text alone, which a mail that
	// quotes a refusal may hold, too.
	Weak bool
	// Hint is what an automatic answer says about the address: "no longer
	// works here", "address changed" or "mailbox not read", followed by ": "
	// and the address it names instead. It is for the operator; the mail was
	// accepted, so nobody is suppressed for it.
	Hint string
}

// Veto returns what m is if that holds even where its text looks like a
// failure; ok is false where m may report one. It is to be asked before the
// readers of delivery status parts and body layouts. Complaints, which
// view.Mail.Feedback holds, are none of its business.
func Veto(m *view.Mail) (v Verdict, ok bool) {
	if m.Feedback != nil {
		return Verdict{}, false
	}
	if v, ok = byStructure(m); ok || isReport(m) {
		return v, ok
	}
	r := newReader(m)
	if v, ok = r.veto(); ok && v.Kind == bounce.KindAutoReply {
		v.Hint = r.hint()
	}
	return v, ok
}

// Classify returns what m is when no reader found a failure in it. KindBounce
// says that nothing speaks against one: a reader of bare phrases may look, and
// where it finds nobody, m is unparsed if it LooksFailed and else none. It is
// not to be asked about complaints.
func Classify(m *view.Mail) Verdict {
	v, ok := byStructure(m)
	if ok || isReport(m) {
		return v
	}
	r := newReader(m)
	if v, ok = r.veto(); !ok {
		v = r.rest()
	}
	if v.Kind == bounce.KindAutoReply {
		v.Hint = r.hint()
	}
	return v
}

// LooksFailed tells whether m has the look of a failure notice: it comes from
// a mail system, or is marked as a report of one.
func LooksFailed(m *view.Mail) bool {
	f := table().facts(m)
	return m.Report != nil || f.failed || f.nullPath || f.fromMTA || isReport(m)
}

// reader is one mail and what was found out about it.
type reader struct {
	*signs
	m       *view.Mail
	f       facts
	subject string // folded

	cut     bool // ownText and quoted are set
	ownText string
	quoted  bool
}

func newReader(m *view.Mail) *reader {
	s := table()
	return &reader{signs: s, m: m, f: s.facts(m), subject: fold(m.Subject)}
}

func (r *reader) own() (text string, quoted bool) {
	if !r.cut {
		r.ownText, r.quoted = r.cutQuote(r.m.Text)
		r.cut = true
	}
	return r.ownText, r.quoted
}

// veto holds the order of the strong signs below structure.
func (r *reader) veto() (Verdict, bool) {
	answer := r.isReply(r.subject) && !r.f.fromMTA
	reported := r.m.Report != nil && (r.f.fromMTA || r.f.nullPath || r.f.auto != "" || !r.f.list && r.f.sign == nil && !encloses(r.m.Root))
	failed := r.f.failed || reported || comment(r.f.auto, "rejected", "failure", "warning-timeout", "report")
	if failed && !answer && !r.byPerson() {
		return Verdict{}, false
	}
	if x := r.f.sign; x != nil {
		return Verdict{Kind: x.Kind, Why: "header " + x.Name}, true
	}
	if answer && !r.autoReplied() && !(r.f.nullPath && !r.f.answers) {
		return r.human("subject is a reply or forward"), true
	}
	if v, ok := r.bySubject(); ok {
		return v, true
	}
	if v, ok := r.bySender(); ok {
		return v, true
	}
	if r.autoReplied() {
		return Verdict{Kind: bounce.KindAutoReply, Why: "header Auto-Submitted: auto-replied"}, true
	}
	return r.byHand()
}

// autoReplied tells whether Auto-Submitted (RFC 3834) says that the mail is an
// answer. QUIRK: Exchange writes auto-replied on its failure notices too.
func (r *reader) autoReplied() bool {
	_, ok := startsAny(r.f.auto, []string{"auto-replied", "auto_reply", "autoreply"})
	return ok && (!r.f.fromMTA || comment(r.f.auto, "vacation", "autoreply"))
}

// bySubject decides by the subject, a weak one only with a machine behind it.
// QUIRK: some mail systems return a mail under its own subject, and a
// newsletter may well be called "Vacation: ten ideas"; from them only the
// subjects of notices and challenges count.
func (r *reader) bySubject() (Verdict, bool) {
	x, words := r.matchSubject(r.subject)
	switch {
	case x == nil, x.Weak && !r.f.machine:
		return Verdict{}, false
	case r.f.fromMTA && (x.Weak || x.Kind != bounce.KindNotice && x.Kind != bounce.KindChallenge):
		return Verdict{}, false
	}
	return Verdict{Kind: x.Kind, Why: fmt.Sprintf("subject %q%s", words, language(x.Lang))}, true
}

func (r *reader) bySender() (Verdict, bool) {
	from, name := strings.ToLower(r.m.From), fold(r.m.FromName)
	local, _, _ := strings.Cut(from, "@")
	for _, x := range r.senders {
		_, a := hasAny(from, x.Address)
		_, n := hasAny(name, x.Name)
		for _, l := range x.Local {
			a = a || l == local
		}
		if a || n {
			return Verdict{Kind: x.Kind, Why: "sender " + from}, true
		}
	}
	return Verdict{}, false
}

// byHand finds mail of people and lists, in which a failure is only talked of.
func (r *reader) byHand() (Verdict, bool) {
	switch {
	case r.f.fromMTA || r.f.nullPath:
		return Verdict{}, false
	case encloses(r.m.Root):
		return r.human("encloses a report"), true
	case r.f.person():
		return r.human("written by a person"), true
	case r.f.personal:
		return r.human("from a person's address"), true
	case r.byPerson():
		return r.human("from the address that its own failures go to"), true
	case r.f.list && !r.isRole(r.m.From):
		return Verdict{Kind: bounce.KindNone, Why: "mailing list"}, true
	case r.f.bulk:
		return Verdict{Kind: bounce.KindNone, Why: "bulk mail"}, true
	}
	// A notice says first whom it is about; a person writes words, and a name.
	if own, quoted := r.own(); quoted && strings.TrimSpace(own) != "" && r.otherAddress(own) == "" {
		return r.human("failure stands in a quote only"), true
	}
	return Verdict{}, false
}

// byPerson tells whether the mail comes from the very address that its own
// failures would go to, and that is no office's: nobody but a person writes so.
func (r *reader) byPerson() bool {
	return !r.f.machine && r.m.From != "" && strings.EqualFold(r.m.ReturnPath, r.m.From) && !r.isRole(r.m.From) && !r.isRole(r.m.FromName)
}

// human is the verdict on mail of a person: none, unless it asks for an
// opt-out.
func (r *reader) human(why string) Verdict {
	if v, ok := r.optOut(); ok {
		return v
	}
	return Verdict{Kind: bounce.KindNone, Why: why}
}

// rest decides by what is too weak to stand against a failure.
func (r *reader) rest() Verdict {
	if r.f.failed || r.m.Report != nil {
		return Verdict{Kind: bounce.KindBounce}
	}
	own, _ := r.own()
	if v, ok := r.optOut(); ok && !r.f.fromMTA {
		return v
	}
	if f, ok := r.matchText(own); ok {
		return Verdict{Kind: f.sign.Kind, Why: fmt.Sprintf("text %q%s", f.words, language(f.sign.Lang)), Weak: true}
	}
	// Shops, registrars and advisers write of failed deliveries, too.
	if (r.m.From != "" || r.m.ReturnPath != "") && !r.f.system && !r.isRole(r.m.From) && !r.isRole(r.m.FromName) {
		return Verdict{Kind: bounce.KindNone, Why: "neither from a mail system nor from an office"}
	}
	return Verdict{Kind: bounce.KindBounce}
}

func language(lang string) string {
	if lang == "xx" {
		return ""
	}
	return " (" + lang + ")"
}

// comment tells whether an Auto-Submitted value carries one of words as its
// comment: "auto-replied (rejected)".
func comment(value string, words ...string) bool {
	_, c, ok := strings.Cut(value, "(")
	if !ok {
		return false
	}
	for _, w := range words {
		if strings.HasPrefix(c, w) {
			return true
		}
	}
	return false
}
