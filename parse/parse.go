package parse

import (
	"fmt"
	"runtime/debug"
	"strings"

	"harvester/parse/autoreply"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/parse/dialect"
	"harvester/parse/dkim"
	"harvester/parse/domain"
	"harvester/parse/envelope"
	"harvester/parse/generic"
	"harvester/parse/mime"
	"harvester/parse/notice"
	"harvester/parse/origin"
	"harvester/parse/rules"
	"harvester/parse/view"
)

// Options says how to parse. The zero value is usable: built-in rules, default
// limits, no own domains.
type Options struct {
	// Rules is the pack that gives replies their meaning; nil means the
	// built-in one.
	Rules *rules.Set
	// OwnDomains are the domains that we send as, lower case, each with what
	// stands below it unless it begins with "=" (package domain). Their addresses
	// are never taken for a failed recipient.
	OwnDomains []string
	// ReturnPaths are the shapes of our variable envelope return paths.
	ReturnPaths []*envelope.VERP
	// Trust says what our own servers record in the header of a notice; nil
	// believes nothing. Keys are those of our DKIM signatures; nil verifies none.
	Trust  *origin.Trust
	Keys   dkim.Keys
	Limits Limits
}

// Limits bound what one message may cost.
type Limits struct {
	Bytes      int // of the message that are looked at
	Recipients int // that are reported
	Steps      int // of work: a step is a byte of the mail, a text or a reply that a reader is given
	MIME       mime.Limits
}

// DefaultLimits are generous for real mail and safe for hostile mail. Steps are
// twice what the largest mail within the other limits takes, about a second:
// they stop what nobody thought of, at the same place on every machine.
func DefaultLimits() Limits {
	return Limits{Bytes: 128 << 20, Recipients: 10_000, Steps: 512 << 20, MIME: mime.DefaultLimits()}
}

// Parse says what raw, one mail as it lies in the mailbox, reports. It is safe
// for concurrent use and gives the same answer every time. A message that
// can't be understood is KindUnparsed, with a note that says where it stopped.
func Parse(raw []byte, opt *Options) (res Result) {
	if opt == nil {
		opt = &Options{}
	}
	p := parser{opt: opt, rules: opt.Rules, limits: opt.Limits, head: Result{Recipients: []Recipient{}}}
	if p.rules == nil {
		p.rules = rules.Builtin()
	}
	if p.limits == (Limits{}) {
		p.limits = DefaultLimits()
	}
	// The one boundary: a defect of ours in one message must not cost the others.
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		note, stopped := v.(tooMuch)
		if !stopped {
			note = tooMuch(fmt.Sprintf("parser defect, please report: %v at %s", v, where(debug.Stack())))
		}
		res = p.head
		res.Kind, res.Rules, res.Notes = bounce.KindUnparsed, p.rules.Version(), append([]string{}, append(p.notes, string(note))...)
	}()
	if len(raw) > p.limits.Bytes {
		p.notes = append(p.notes, fmt.Sprintf("cut at %d of %d bytes", p.limits.Bytes, len(raw)))
		raw = raw[:p.limits.Bytes]
	}
	p.steps = len(raw)
	return p.parse(view.New(raw, p.limits.MIME))
}

type parser struct {
	opt    *Options
	rules  *rules.Set
	limits Limits
	steps  int    // taken so far
	head   Result // what any mail has, before anything is named
	notes  []string
	named  map[string]int  // recipient in lower case → its place in the result
	all    map[string]bool // every recipient that is named, in lower case, where there are several

	aliasHidden bool    // the notice does not tell an alias from its target
	oddNamed    bool    // it names an address that can't have been mailed
	oneReply    bool    // all recipients have the reply to one of them
	origin      *string // where the returned mail went first, once it was looked for
	only        *string // the returned mail's only recipient, once it was looked for
	oursFailed  string  // an address of ours that the notice is about
	unnamed     bool    // it is about somebody who could not be named
	text        string  // a returned mail that stands in the text
}

// tooMuch is what a parse that takes too many steps panics with: where it stopped.
type tooMuch string

// spend counts the steps that the work ahead takes, and stops a parse that has
// none left. What it had named by then is dropped: half an answer could be a
// wrong one.
func (p *parser) spend(steps int, work string) {
	if p.steps += steps; p.limits.Steps > 0 && p.steps > p.limits.Steps {
		panic(tooMuch(fmt.Sprintf("stopped after %s, %s", count.Of(p.limits.Steps, "step"), work)))
	}
}

// maxText is how much of a text a reader looks at.
const maxText = 1 << 20

// text is what reading the text of a mail once takes.
func text(m *view.Mail) int { return min(len(m.Text), maxText) }

func (p *parser) parse(m *view.Mail) Result {
	p.notes = append(p.notes, m.Notes...)
	res := p.base(m)
	p.head = res
	p.spend(0, "reading its structure")

	v := p.kind(m, &res)
	res.Kind, res.Hint = v.Kind, v.Hint
	if v.Why != "" {
		p.notes = append(p.notes, v.Kind.String()+": "+v.Why)
	}
	if res.Kind != bounce.KindBounce && res.Kind != bounce.KindDelay && res.Kind != bounce.KindDelivered && res.Kind != bounce.KindComplaint {
		res.Recipients = []Recipient{}
	}
	p.provenance(m, &res)
	res.Notes = append([]string{}, p.notes...) // never null in JSON
	return res
}

// kind decides what the mail is and, where it reports a delivery, fills in
// recipients and dialect. The order is that of the strength of the signs:
// structure (RFC 6522), header, layout, and bare words last.
func (p *parser) kind(m *view.Mail, res *Result) autoreply.Verdict {
	if m.Feedback != nil {
		p.complaint(m, res)
		return autoreply.Verdict{Kind: bounce.KindComplaint}
	}
	if sns, ok := readSNS(m); ok {
		return p.sns(sns, res)
	}
	if v, ok := autoreply.Veto(m); ok {
		return v
	}
	if p.bouncedBounce(m) {
		return autoreply.Verdict{Kind: bounce.KindNotice, Why: "a notice that could not be delivered: nobody whom we mailed failed"}
	}
	p.spend(text(m), "recognising its layout")
	shown := dialect.Recognise(m)
	if p.structured(m, shown, res) {
		return autoreply.Verdict{Kind: verdict(res.Recipients)}
	}
	p.spend(text(m), "telling whether it is an automatic answer")
	v := autoreply.Classify(m)
	switch {
	case v.Weak && v.Kind == bounce.KindAutoReply && (notice.Refusal(m.Text) || m.FromDaemon() && notice.Failing(m.Subject)) && p.phrased(m, res):
		v = autoreply.Verdict{Kind: verdict(res.Recipients)}
	case v.Kind != bounce.KindBounce:
	case p.phrased(m, res):
		v.Kind = verdict(res.Recipients)
	case p.oursOnly(m):
		v = autoreply.Verdict{Kind: bounce.KindNotice, Hint: OursFailed + lowerDomain(p.oursFailed), Why: "nobody whom we mailed failed, the recipient is ours"}
	case autoreply.LooksFailed(m):
		v.Kind = bounce.KindUnparsed
		if only := generic.NamesOnly(m.Text, p.ownIn(m)); only != "" {
			v.Hint = NamesOnly + only
			v.Why = "it looks like a failure, but " + v.Hint
		}
		if v.Why == "" {
			v.Why = "it looks like a failure, but nobody could be named"
		}
	default:
		v.Kind = bounce.KindNone
	}
	return v
}

// verdict is the kind of a mail with these recipients: one failure among
// deliveries makes a bounce.
func verdict(recipients []Recipient) bounce.Kind {
	kind := bounce.KindDelivered
	for i := range recipients {
		switch recipients[i].Action {
		case bounce.Failed:
			return bounce.KindBounce
		case bounce.Delayed:
			kind = bounce.KindDelay
		}
	}
	return kind
}

// base fills in what any mail has.
func (p *parser) base(m *view.Mail) Result {
	res := Result{
		MessageID:   m.Header.Get("Message-ID"),
		From:        m.From,
		ReturnPath:  m.ReturnPath,
		DeliveredTo: deliveredTo(m),
		Subject:     m.Subject,
		Date:        Time{mime.Date(m.Header.Get("Date"))},
		Received:    Time{received(m.Header.Get("Received"))},
		Rules:       p.rules.Version(),
		Recipients:  []Recipient{},
	}
	if m.Report != nil {
		res.ReportingMTA = m.Report.ReportingMTA
		res.EnvelopeID = m.Report.EnvelopeID
		res.Arrival = Time{m.Report.Arrival}
		p.notes = append(p.notes, m.Report.Notes...)
	}
	p.original(m, &res)
	res.SenderMessage = senderID(m)
	res.Sent = p.sent(res.DeliveredTo, res.Original.ReturnPath)
	return res
}

// deliveredTo is the address of ours that the notice came to.
func deliveredTo(m *view.Mail) string {
	for _, f := range [...]string{"Delivered-To", "X-Original-To", "Envelope-To"} {
		if a, _ := mime.Address(m.Header.Get(f)); a != "" {
			return a
		}
	}
	return m.To
}

// ownIn is own for the bare words of m: the address that it came to is ours as
// well, which nobody needs to configure.
func (p *parser) ownIn(m *view.Mail) func(string) bool {
	to := deliveredTo(m)
	return func(addr string) bool {
		return p.own(addr) || strings.EqualFold(addr, to) || strings.EqualFold(addr, m.To)
	}
}

// own tells whether addr is one that can't have been mailed as a recipient:
// ours, or a mail system's.
func (p *parser) own(addr string) bool {
	local, host, ok := cutAddress(addr)
	if !ok {
		return true
	}
	return daemon(local) || p.ownDomain(host)
}

// ownDomain tells whether name is a domain that we send as, or below one.
func (p *parser) ownDomain(name string) bool {
	return len(p.opt.OwnDomains) > 0 && domain.Below(strings.ToLower(name), p.opt.OwnDomains)
}

func daemon(local string) bool {
	switch strings.ToLower(local) {
	case "mailer-daemon", "mailerdaemon", "mail-daemon", "double-bounce":
		return true
	}
	return false
}

func cutAddress(addr string) (local, domain string, ok bool) {
	i := strings.LastIndexByte(addr, '@')
	if i <= 0 || i == len(addr)-1 {
		return "", "", false
	}
	return addr[:i], addr[i+1:], true
}

// where names the line of ours that a panic came from.
func where(stack []byte) string {
	for l := range strings.Lines(string(stack)) {
		if i := strings.Index(l, "/parse/"); i >= 0 && !strings.Contains(l, "/parse/parse.go") && strings.HasPrefix(l, "\t") {
			at, _, _ := strings.Cut(strings.TrimSpace(l[i+1:]), " ")
			return at
		}
	}
	return "parse"
}
