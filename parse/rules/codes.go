package rules

import (
	"harvester/parse/bounce"
	"harvester/parse/status"
)

// codes offers what the codes say: each level's enhanced code, the Status
// field, then the reply codes.
func (c *scratch) codes() {
	innermost := len(c.levels) - 1
	for lv := innermost; lv >= 0; lv-- {
		l, depth := &c.levels[lv], innermost-lv
		if l.ok {
			c.offerStatus(c.digits(l.enhanced), l.enhanced, lv, stageCode+stagesPerLevel*depth, stageWeak+depth)
		}
		if l.code != 0 {
			if m, _ := status.Reply(l.code); m.Reason != bounce.Unclassified {
				c.offerCode(candidate{standing: coded(stageReply + depth), reason: m.Reason, by: bounce.ByCode, code: l.code})
			}
		}
	}
	if status.Specific(c.query.Status) {
		c.offerStatus(c.query.Status, span{}, 0, stageField, stageWeak+maxLevels)
	}
}

// offerStatus offers what an enhanced code means at the hosts that speak, else
// in the registry.
func (c *scratch) offerStatus(text string, at span, lv, strong, weak int) {
	class, subject, detail, ok := status.Split(text)
	if !ok {
		return
	}
	m, registered := status.Lookup(text)
	cand := candidate{standing: coded(strong), by: bounce.ByStatus, at: at, word: text}
	for _, i := range c.set.codes[code{class, subject, detail}] {
		r := &c.set.rules[i]
		cand.rule, cand.reason, cand.length, cand.specific = i, r.Reason, 1, c.set.standings[i].specific
		if !registered && strong != stageField { // a code of the vendor's own making says what its phrases say
			its := &c.set.standings[i]
			cand.stage, cand.accused, cand.rank, cand.tier = int32(strong-stageCode+stageWords), its.accused, its.rank, its.tier
		}
		cand.refused = c.outOfScope(r)
		if cand.refused == "" && r.Code != "" && !r.codeFits(c.codeAt(lv)) {
			cand.refused = "the reply code is not " + r.Code
		}
		c.offer(cand)
	}
	if basic := c.levels[lv].code; basic != 0 && at.end > 0 {
		class = byte('0' + basic/100) // of contradicting digits an SMTP reply's first one decides
	}
	reason := m.Reason
	if class == '4' && (m.Weak || reason.Class(bounce.Failed) == bounce.ClassHard || reason == bounce.RoutingFailed) {
		// "Not now" is no word on the address: 4.1.1 is also a check in progress.
		reason, strong = bounce.Deferred, weak
	}
	if m.Weak {
		strong = weak
	}
	if reason != bounce.Unclassified && class != '2' {
		c.offerCode(candidate{standing: coded(strong), reason: reason, by: bounce.ByStatus, at: at, word: text})
	}
}

// offerCode offers what a code alone means. It says nothing of the recipient
// where the text speaks of the sender, an IP address, size, rate or content.
func (c *scratch) offerCode(cand candidate) {
	if blamed := c.topics & c.set.excuse.codes; blamed != 0 && cand.reason.Fault() == bounce.FaultRecipient {
		cand.refused = "the text speaks of " + c.named(blamed)
	}
	c.offer(cand)
}

// action offers what is left when nothing spoke: only that it failed, or that
// it is late.
func (c *scratch) action() {
	switch class := c.class(); {
	case c.query.Action == bounce.Failed && class == '4':
		c.offer(candidate{standing: coded(stageAction), reason: bounce.Expired, by: bounce.ByAction, word: "action failed"})
	case c.query.Action == bounce.Delayed:
		c.offer(candidate{standing: coded(stageAction), reason: bounce.Deferred, by: bounce.ByAction, word: "action delayed"})
	}
}

// class is the first digit of the codes: of the innermost reply, else of the
// Status field; 0 where there is none.
func (c *scratch) class() byte {
	for lv := len(c.levels) - 1; lv >= 0; lv-- {
		if l := &c.levels[lv]; l.code != 0 {
			return byte('0' + l.code/100)
		} else if l.ok {
			return c.folded[l.enhanced.start]
		}
	}
	if c.query.Status != "" {
		return c.query.Status[0]
	}
	return 0
}

func (c *scratch) answer() Answer {
	b := &c.best
	a := Answer{Reason: b.reason, Confidence: b.by, Vendor: c.vendor, Evidence: c.evidence(b), Diagnostic: c.text}
	a.Status, a.ReplyCode = c.stated()
	if b.rule != noRule {
		r := &c.set.rules[b.rule]
		a.Rule = r.ID
		if r.Vendor != generic {
			a.Vendor = r.Vendor
		}
	}
	if c.later() {
		a.Reason = bounce.Deferred // whatever it says of the address: a 4yz is no last word
	}
	// A sender that gave up on a temporary refusal says no more than that.
	if a.Reason == bounce.Deferred && c.query.Action == bounce.Failed && c.class() != '5' {
		a.Reason = bounce.Expired
	}
	a.Certainty, a.Unread = c.certainty()
	return a
}

// later reports whether a reply that is no last word speaks of an address that
// isn't there.
func (c *scratch) later() bool {
	switch c.best.reason {
	case bounce.UserUnknown, bounce.UserMoved, bounce.AddressInvalid:
		return c.class() == '4' && c.query.Action != bounce.Delayed
	case bounce.MailboxDisabled: // 421 closes the connection: it is not about a mailbox
		return c.levels[len(c.levels)-1].code == 421
	}
	return false
}

func (c *scratch) evidence(b *candidate) string {
	if b.code != 0 {
		return number(b.code)
	}
	if b.at.end == 0 {
		return b.word
	}
	return c.words(b.at)
}

// stated returns the codes that the mail states: those of the innermost reply
// first; a code that says more than x.0.0 before one that doesn't, and the
// Status field between the innermost reply and those around it.
func (c *scratch) stated() (enhanced string, reply int) {
	vague := ""
	consider := func(s string) {
		switch {
		case enhanced != "" || s == "":
		case status.Specific(s):
			enhanced = s
		case vague == "":
			vague = s
		}
	}
	for lv := len(c.levels) - 1; lv >= 0; lv-- {
		l := &c.levels[lv]
		if l.ok && enhanced == "" {
			consider(c.digits(l.enhanced))
		}
		if reply == 0 {
			reply = l.code
		}
		if lv == len(c.levels)-1 {
			consider(c.query.Status)
		}
	}
	if enhanced == "" {
		enhanced = vague
	}
	return enhanced, reply
}

func number(code int) string {
	return string([]byte{byte('0' + code/100), byte('0' + code/10%10), byte('0' + code%10)})
}
