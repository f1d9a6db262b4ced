package notice

// How surely a line names a failed recipient, best first.
type Rank uint8

const (
	RankNone     Rank = iota
	RankSentence      // in a sentence that speaks of a failure
	RankReason        // `addr: reason`, `addr (reason)`
	RankListed        // in a list whose heading speaks of addresses
	RankLabelled      // `Recipient: addr`
	RankAlone         // `<addr>` alone on its line
	RankOpens         // `<addr>: reason`
)

// Mention is a place that names a failed recipient.
type Mention struct {
	Addr string
	Rest string // of the line, behind the address
	Line int
	Rank Rank

	Failing    bool // its sentence speaks of a failure
	Introduced bool // its sentence speaks of mail or recipients
}
