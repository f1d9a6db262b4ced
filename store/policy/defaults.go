package policy

import (
	"sort"

	"harvester/parse/bounce"
)

// behind is the line of failures of an address behind the one that we mailed.
const behind = "behind"

// edge qualifies what a directory answers for whole tenants.
const edge = ".edge"

// Nearby is how far from a failure at the edge of a domain another address must
// have been accepted: the time that the line waits for a second one.
const Nearby = 14 * day

// qualifiers are the finer lines of a reason, tried in order before the plain
// one: ".code" when no text or rule spoke, the others by rule id.
var qualifiers = map[bounce.Reason][]string{
	bounce.UserUnknown:     {".code", edge},
	bounce.MailboxDisabled: {".final"},
	bounce.SenderBlocked:   {".personal"},
}

// builtin is the default policy: what large senders agree upon (unknown users
// and complaints at once, quota and silence after repetition, our own faults
// never, all but complaints and opt-outs expire).
var builtin = table([]Line{
	{Name: bounce.UserUnknown.String(), After: 1, Expires: Months(24)},
	{Name: bounce.UserUnknown.String() + ".code", After: 2, Within: Days(14), Expires: Months(12)},
	// Whole tenants answer that way where their directory is not in step, unless
	// their other addresses are being accepted (Event.Beside): then the plain line holds.
	{Name: bounce.UserUnknown.String() + edge, After: 2, Within: Days(14), Expires: Months(12), Rules: "*.directory-edge*"},
	// The address that we mailed may be a list of ten with one dead member.
	{Name: behind, After: 3, Within: Days(30), DistinctDays: 3, Expires: Days(30)},
	{Name: bounce.AddressInvalid.String(), After: 1, Expires: Months(24)},
	{Name: bounce.UserMoved.String(), After: 1, Expires: Months(24)},
	{Name: bounce.DomainUnknown.String(), After: 2, Within: Days(7), DistinctDays: 2, Expires: Months(3)},
	{Name: bounce.MailboxDisabled.String(), After: 2, Within: Days(14), Expires: Months(6)},
	{Name: bounce.MailboxDisabled.String() + ".final", After: 1, Expires: Months(6), Rules: "*.final *.closed *.terminated *.no-longer-valid"},
	{Name: bounce.MailboxFull.String(), After: 3, Within: Days(30), Expires: Days(30), Grow: Days(180)},
	{Name: bounce.Expired.String(), After: 3, Within: Days(30), DistinctDays: 3, Expires: Days(30)},
	{Name: bounce.RelayDenied.String(), After: 3, Within: Days(30), DistinctDays: 3, Expires: Days(30)},
	{Name: bounce.RoutingFailed.String(), After: 3, Within: Days(30), DistinctDays: 3, Expires: Days(30)},
	{Name: bounce.SenderBlocked.String(), After: 3, Within: Days(30), Expires: Months(12), Scope: ScopeStream},
	{Name: bounce.SenderBlocked.String() + ".personal", After: 1, Expires: Months(12), Scope: ScopeStream, Rules: "*.personal *.user-block *.user-block-* *.blocked-by-user"},
	{Name: SourceComplaint.String(), After: 1, Scope: ScopeMarketing},
	// An opt-out comes from the recipient, so nothing of ours is enclosed: it is
	// believed where its sender is proven, and else waits for the operator.
	{Name: SourceUnsubscribe.String(), After: 1, Scope: ScopeStream},
})

func table(lines []Line) map[string]Line {
	out := make(map[string]Line)
	for _, r := range bounce.Reasons() {
		out[r.String()] = Line{Name: r.String(), Proof: ProofReturned, Origin: "built in"}
	}
	for _, l := range lines {
		l.Suppress, l.Origin = true, "built in"
		l.Proof = ProofReturned
		out[l.Name] = l
	}
	return out
}

func qualified() []string {
	var out []string
	for r, qs := range qualifiers {
		for _, q := range qs {
			out = append(out, r.String()+q)
		}
	}
	sort.Strings(out)
	return out
}

// Family groups the reasons that say the same of an address in other words:
// events of one family count together, once a day and once a message.
func Family(r bounce.Reason) string {
	switch r { // every other reason is a family of its own
	case bounce.UserUnknown, bounce.UserMoved, bounce.AddressInvalid:
		return "unknown"
	case bounce.Expired, bounce.RelayDenied, bounce.RoutingFailed:
		return "unreachable"
	}
	return r.String()
}
