package report

import (
	"fmt"
	"strings"

	"harvester/parse/count"
	"harvester/store/judge"
	"harvester/store/policy"
)

// Rate is how one stream of ours fares within seven days.
type Rate struct {
	Stream         string       `json:"stream"`
	Level          policy.Level `json:"level"`
	Why            string       `json:"why"`
	Sent           *int         `json:"sent"` // recipients, null when nobody says
	Hard           int          `json:"hard"` // distinct recipients, proven to be ours
	HardShare      *float64     `json:"hard_share"`
	HardLow        *float64     `json:"hard_low"` // lower bound of the 95 % interval
	Complaints     int          `json:"complaints"`
	ComplaintShare *float64     `json:"complaint_share"`
}

func rates(rows []judge.Rate) []Rate {
	out := []Rate{}
	for _, r := range rows {
		v := Rate{Stream: oneLine(r.Stream), Level: r.Level, Why: oneLine(r.Why), Sent: r.Sent, Hard: r.Hard, Complaints: r.Complaints}
		if r.Sent != nil {
			v.HardShare, v.HardLow, v.ComplaintShare = &r.HardShare, &r.HardLow, &r.CompShare
		}
		out = append(out, v)
	}
	return out
}

// Rated tells whether how much was sent is known of any stream.
func (r *Report) Rated() bool {
	for i := range r.Rates {
		if r.Rates[i].Sent != nil {
			return true
		}
	}
	return false
}

// howToRate says how a rate becomes known.
const howToRate = "harvester volume import takes counts of what was sent, [sent.NAME] follows a mail server's log"

// rating raises what is paused, or near it.
func (r *Report) rating() {
	for i := range r.Rates {
		v := &r.Rates[i]
		a := Alarm{ID: "rate." + v.Stream, Severity: Warn, Value: float64(v.Hard), Next: "harvester pause list"}
		switch v.Level {
		case policy.Paused:
			a.Severity, a.Text = Crit, fmt.Sprintf("%s is paused: %s", clip(v.Stream, 30), v.Why)
			a.Next = "who was mailed? then: harvester pause resume " + clip(v.Stream, 30)
		case policy.Warned:
			a.Text = fmt.Sprintf("%s comes near a pause: %s", clip(v.Stream, 30), v.Why)
		case policy.Unknown, policy.Fine:
			continue
		}
		r.raise(a)
	}
}

// share is a share as the tables show it, "-" where it is not known.
func share(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f%%", 100**v)
}

func sent(v *int) string {
	if v == nil {
		return "-"
	}
	return count.Number(*v)
}

func (p *printer) rates(r *Report) {
	if !r.Rated() {
		return
	}
	p.line("%-28s%10s%8s%8s%12s%8s", "RATES, 7 DAYS", "sent", "hard", "", "complaints", "")
	unknown := false
	for i := range r.Rates {
		v := &r.Rates[i]
		unknown = unknown || v.Sent == nil
		mark := ""
		if v.Level == policy.Paused || v.Level == policy.Warned {
			mark = " !"
		}
		p.line(" %s%10s%8s%8s%12s%8s%s", pad(clip(v.Stream, 26), 27), sent(v.Sent), count.Number(v.Hard), share(v.HardShare), count.Number(v.Complaints), share(v.ComplaintShare), mark)
	}
	if unknown {
		p.wrapped(" ", "  ", "unknown where nobody says how much was sent: "+howToRate)
	}
	p.line("")
}

// proofs says in words on what the new suppressions rest; "" when there are
// none.
func proofs(counts []Count) string {
	var parts []string
	for _, c := range counts {
		parts = append(parts, count.Number(c.N)+" "+c.Name)
	}
	return strings.Join(parts, ", ")
}
