package rules

import "harvester/parse/bounce"

// The one precedence, strongest first. It is the same whatever the order of the
// words and whoever speaks:
//
//  1. words that accuse the sender or the path between us: their clause decides
//  2. words that accuse the message
//  3. generic words of a refusal without a cause
//  4. for the rest, the innermost quoted reply first, and in it
//     words before its enhanced code, before the Status field, before weak words;
//     words that tell of the path, of a full mailbox, of "not now", of what the
//     recipient wants, of an address that is dead, of a queue that gave up
//  5. codes that stand for many things, reply codes, the action
//
// Of what stands equal, a vendor's token comes before its phrase, a generic
// phrase, the words of a clause and a greeting; then the longer phrase, then
// the rule with more conditions, then the order of ids.

// accusation is whom words accuse, as far as it beats any order.
type accusation uint8

const (
	accusesSender accusation = iota
	accusesMessage
	accusesNobody // a refusal without a cause
	accusesOther
)

func accuses(r bounce.Reason) accusation {
	switch r.Fault() {
	case bounce.FaultSender, bounce.FaultNone:
		return accusesSender
	case bounce.FaultMessage:
		return accusesMessage
	default:
		return accusesOther
	}
}

// The stages of words and codes in one level of an unwrapped text. The
// innermost level comes first; the Status field speaks at the innermost.
const (
	stageWords = iota
	stageCode
	stageField
	stageHint // weak words

	stagesPerLevel
	stageWeak   = stagesPerLevel * maxLevels // codes that stand for many things
	stageReply  = stageWeak + maxLevels + 1
	stageAction = stageReply + maxLevels
)

// The ranks of what is said in one stage.
const (
	rankCause uint8 = iota // the sender's or the message's
	rankPath
	rankFull
	rankLater
	rankWish
	rankDead
	rankGaveUp
)

// rank is the place of a reason among those of its stage.
func rank(r bounce.Reason) uint8 {
	switch {
	case accuses(r) != accusesOther:
		return rankCause
	case r == bounce.MailboxFull:
		return rankFull
	case r == bounce.Deferred:
		return rankLater
	case r.Fault() == bounce.FaultRecipientPolicy:
		return rankWish
	case r.Fault() == bounce.FaultRecipient:
		return rankDead
	case r.Fault() == bounce.FaultReceiver && r != bounce.Expired:
		return rankPath
	default:
		return rankGaveUp
	}
}

// The tiers of words, strongest first.
const (
	tierToken uint8 = iota
	tierVendor
	tierGeneric
	tierClause
	tierGreeting
)

// standing is a candidate's place in the precedence.
type standing struct {
	accused  accusation
	rank     uint8
	tier     uint8
	specific uint8
	stage    int32
	length   int32
	rule     int // noRule for a code's own meaning
}

// beats reports whether s decides against b.
func (s *standing) beats(b *standing) bool {
	switch {
	case s.accused != b.accused:
		return s.accused < b.accused
	case s.stage != b.stage:
		return s.stage < b.stage
	case s.rank != b.rank:
		return s.rank < b.rank
	case s.tier != b.tier:
		return s.tier < b.tier
	case s.length != b.length:
		return s.length > b.length
	case s.specific != b.specific:
		return s.specific > b.specific
	default:
		return s.rule < b.rule
	}
}

// coded is the standing of a code's own meaning.
func coded(stage int) standing {
	return standing{accused: accusesOther, stage: int32(stage), rule: noRule}
}
