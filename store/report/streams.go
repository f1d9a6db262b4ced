package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store/query"
)

// Stream counts what concerns one stream of ours.
type Stream struct {
	Stream      string `json:"stream"` // "" where the mail that came back does not tell
	Hard        int    `json:"hard"`
	Soft        int    `json:"soft"`
	Block       int    `json:"block"`
	Complaint   int    `json:"complaint"`
	Unsubscribe int    `json:"unsubscribe"`
}

func (s *Stream) total() int { return s.Hard + s.Soft + s.Block + s.Complaint + s.Unsubscribe }

func (s *Stream) add(o Stream) {
	s.Hard += o.Hard
	s.Soft += o.Soft
	s.Block += o.Block
	s.Complaint += o.Complaint
	s.Unsubscribe += o.Unsubscribe
}

// name is what a reader calls the stream.
func (s *Stream) name() string { return cmp.Or(s.Stream, "not known") }

// maxStreams is how many rows a report lists at most.
const maxStreams = 12

func streams(rows []query.StreamCount) []Stream {
	at := map[string]*Stream{}
	for _, row := range rows {
		s := at[row.Stream]
		if s == nil {
			s = &Stream{Stream: clip(oneLine(row.Stream), 80)}
			at[row.Stream] = s
		}
		switch class := row.Reason.Class(bounce.Failed); {
		case row.Kind == bounce.KindComplaint:
			s.Complaint += row.N
		case row.Kind == bounce.KindUnsubscribe:
			s.Unsubscribe += row.N
		case class == bounce.ClassHard:
			s.Hard += row.N
		case class == bounce.ClassSoft:
			s.Soft += row.N
		case class == bounce.ClassBlock:
			s.Block += row.N
		}
	}
	out := []Stream{}
	for _, s := range at {
		if s.total() > 0 {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(a, b Stream) int {
		return cmp.Or(cmp.Compare(b.total(), a.total()), strings.Compare(a.Stream, b.Stream))
	})
	if len(out) > maxStreams {
		rest := Stream{Stream: fmt.Sprintf("other (%d)", len(out)-maxStreams)}
		for _, s := range out[maxStreams:] {
			rest.add(s)
		}
		out = append(out[:maxStreams], rest)
	}
	return out
}

// Revision is how the failures of mail that was sent on an earlier day have
// become more since the report before this one.
type Revision struct {
	Date  string   `json:"date"` // YYYY-MM-DD
	Hard  WasIsNow `json:"hard"`
	Soft  WasIsNow `json:"soft"`
	Block WasIsNow `json:"block"`
}

// WasIsNow is a number that changed.
type WasIsNow struct {
	Was int `json:"was"`
	Now int `json:"now"`
}

// String is what changed, in words.
func (v *Revision) String() string {
	var parts []string
	for _, c := range []struct {
		name string
		n    WasIsNow
	}{{"hard", v.Hard}, {"soft", v.Soft}, {"blocked", v.Block}} {
		if c.n.Was != c.n.Now {
			parts = append(parts, fmt.Sprintf("%s %s, was %s", c.name, count.Number(c.n.Now), count.Number(c.n.Was)))
		}
	}
	return strings.Join(parts, "; ")
}

func revisions(rows []query.Revision) []Revision {
	out := []Revision{}
	for _, row := range rows {
		change := func(c bounce.Class) WasIsNow { return WasIsNow{row.Was[c], row.Now[c]} }
		v := Revision{Date: row.From.Format(time.DateOnly), Hard: change(bounce.ClassHard), Soft: change(bounce.ClassSoft), Block: change(bounce.ClassBlock)}
		if v.String() != "" {
			out = append(out, v)
		}
	}
	return out
}
