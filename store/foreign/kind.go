package foreign

import (
	"fmt"
	"strings"

	"harvester/parse/bounce"
)

// Kind is what a list says that an address did.
type Kind uint8

// The kinds.
const (
	KindUnknown Kind = iota
	Hard             // a bounce for good
	Soft             // a bounce that may pass
	Complaint
	Unsubscribe
	Manual // somebody entered it
)

// asked are the words of an operator.
var asked = map[string]Kind{"bounce": Hard, "soft-bounce": Soft, "complaint": Complaint, "unsubscribe": Unsubscribe, "manual": Manual}

// UnmarshalText reads what an operator says a list is.
func (k *Kind) UnmarshalText(b []byte) error {
	kind, ok := asked[string(b)]
	if !ok {
		return fmt.Errorf("%q is no kind: one of bounce, soft-bounce, complaint, unsubscribe, manual", b)
	}
	*k = kind
	return nil
}

// words are those by which systems name the kinds, without what stands between
// their letters: "Hard Bounce", "hard_bounce" and "HardBounce" are one.
var words = map[string]Kind{
	"bounce": Hard, "bounced": Hard, "hardbounce": Hard, "hard": Hard, "permanent": Hard, "invalid": Hard, "invalidemail": Hard, "cleaned": Hard, "bouncerule": Hard,
	"softbounce": Soft, "soft": Soft, "transient": Soft, "blocked": Soft, "block": Soft,
	"complaint": Complaint, "complained": Complaint, "spamcomplaint": Complaint, "spam": Complaint, "spamreport": Complaint, "abuse": Complaint,
	"contactflaggedasspam": Complaint, "abusecomplaint": Complaint,
	"unsubscribe": Unsubscribe, "unsubscribed": Unsubscribe, "unsub": Unsubscribe, "optout": Unsubscribe, "listunsubscribe": Unsubscribe, "unsubscribelink": Unsubscribe,
	"unsubscribedviama": Unsubscribe, "unsubscribedviaemail": Unsubscribe, "unsubscribedviaapi": Unsubscribe,
	"manual": Manual, "manualsuppression": Manual, "manuallyadded": Manual, "adminblocked": Manual, "custom": Manual, "operator": Manual, "operatorsdecision": Manual,
	"blocklisted": Manual, "blacklisted": Manual, "compliance": Manual,
}

// kindOf reads the word of another system.
func kindOf(word string) (Kind, bool) {
	k, ok := words[strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(word))]
	return k, ok
}

// ourWords reads what our own profiles write of a bounce: "user_unknown 5.1.1",
// "hard bounce: user_unknown 5.1.1".
func ourWords(text string) (bounce.Reason, bool) {
	if _, after, ok := strings.Cut(text, ": "); ok {
		text = after
	}
	word, rest, _ := strings.Cut(text, " ")
	var r bounce.Reason
	if r.UnmarshalText([]byte(word)) != nil || strings.ContainsAny(rest, " ") {
		return 0, false
	}
	return r, true
}

// spoken is the kind that our own profiles write before the reason.
func spoken(text string) Kind {
	before, _, _ := strings.Cut(text, ":")
	k, _ := kindOf(before)
	return k
}
