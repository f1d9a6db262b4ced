package rules

import "bytes"

// ours marks the clauses that name one of our domains or the sender of the
// mail: what they say of an unknown, full or disabled mailbox is about us.
// The recipient's own clauses are not among them.
func (c *scratch) ours() {
	for _, l := range c.links[:min(len(c.links), mostClaims)] {
		switch {
		case !l.address:
		case onlySends(c.folded[l.start:l.end]):
			c.accuse(l.start, l.end)
		case c.isSubject(l):
			c.note(c.clauseAt(l.start), c.set.person, l.start, l.end)
		}
	}
	for _, name := range c.query.Ours {
		if name == "" {
			continue
		}
		for from, left := 0, mostClaims; left > 0; left-- {
			i := bytes.Index(c.folded[from:], []byte(name))
			if i < 0 {
				break
			}
			at := from + i
			from = at + len(name)
			if !c.standsAlone(at, from) {
				continue
			}
			c.accuse(at, from)
		}
	}
}

// accuse marks the clause that names us from at to end, unless it names
// somebody else too: "mail from a@example.org to b@example.com was refused".
func (c *scratch) accuse(at, end int) {
	i := c.clauseAt(at)
	x := &c.clauses[i]
	for _, l := range c.links {
		switch within := l.start <= at && end <= l.end; {
		case !l.address || l.end <= x.start || l.start >= x.end:
		case !within, bytes.EqualFold(c.folded[l.start:l.end], []byte(c.query.Recipient)):
			return
		}
	}
	c.note(i, c.set.sender, at, end)
}

// isSubject reports whether a clause says what the recipient's address is:
// "<kate@example.com> is unknown" speaks of a person without the word.
func (c *scratch) isSubject(l link) bool {
	if to := c.query.Recipient; to != "" && !bytes.EqualFold(c.folded[l.start:l.end], []byte(to)) {
		return false
	}
	rest := bytes.TrimLeft(c.folded[l.end:], ">'")
	if len(rest) == 0 || rest[0] != ' ' {
		return false
	}
	for _, verb := range c.set.verbs {
		if bytes.HasPrefix(rest[1:], verb) {
			return true
		}
	}
	return false
}

// standsAlone reports whether no letter of a longer name touches f[from:to]; a
// local part may stand before a domain, and a host's name.
func (c *scratch) standsAlone(from, to int) bool {
	f := c.folded
	if from > 0 && (isLetter(f[from-1]) || isDigit(f[from-1]) || f[from-1] == '-') {
		return false
	}
	if to == len(f) {
		return true
	}
	next := f[to]
	return !isLetter(next) && !isDigit(next) && next != '-' && next != '@' && (next != '.' || to+1 == len(f) || !isLetter(f[to+1]))
}

// onlySends reports whether an address is of the kind that mail is sent from
// and none to: of an unknown noreply@ a server speaks to its sender.
func onlySends(address []byte) bool {
	local, _, _ := bytes.Cut(address, []byte("@"))
	switch string(local) {
	case "noreply", "no-reply", "donotreply", "do-not-reply", "bounce", "bounces", "newsletter", "news", "mailer", "notification", "notifications":
		return true
	}
	return false
}
