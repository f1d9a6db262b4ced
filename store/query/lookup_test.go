package query

import (
	"testing"

	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
)

func TestLookupAllOfAStream(t *testing.T) {
	list := List{judge: &judge.Judge{Ours: &facts.Ours{Streams: []facts.Stream{{Name: "receipts", Kind: policy.Transactional}}}}}
	for stream, want := range map[string]int{"news": 3, "invitations": 2, "receipts": 1} {
		entries := []Entry{{Source: "bounce"}, {Source: "complaint", Scope: policy.ScopeMarketing}, {Source: "unsubscribe", Scope: policy.ScopeStream, Stream: "news"}}
		if got := list.concerning(entries, stream); len(got) != want {
			t.Errorf("%s: %+v", stream, got)
		}
	}
}
