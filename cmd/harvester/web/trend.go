package web

import (
	"fmt"
	"html/template"
	"net/url"
	"time"

	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store/query"
	"harvester/store/report"
	"harvester/store/report/chart"
)

// The lengths of a trend, in days.
const (
	shortTrend = 14
	longTrend  = 90
)

// midnights are the ends of the last n days in the operator's time zone, the
// last of which is today.
func (s *server) midnights(now time.Time, n int) []time.Time {
	loc := s.Set.Config.Timezone.Location()
	var out []time.Time
	for back := n - 1; back >= 0; back-- {
		from, to := report.Day.Bounds(now, loc, back)
		if len(out) == 0 {
			out = append(out, from)
		}
		out = append(out, to)
	}
	return out
}

// trend is a chart of days, with the incidents marked above them.
func trend(label string, midnights []time.Time, counts func(day int, c bounce.Class) int, incidents []query.Incident) template.HTML {
	s := chart.Stacked{ID: "trend", Label: label, Unit: "day", Thing: "failure", Series: chart.Classes}
	n := len(midnights) - 1
	for i := range n {
		from := midnights[i]
		c := chart.Column{Name: from.Format("Mon 2 Jan 2006"), Group: from.Format("Jan"), Link: "/report/" + from.Format(time.DateOnly), Open: i == n-1}
		if n <= shortTrend || from.Weekday() == time.Monday && n-i > 2 {
			c.Tick = from.Format("2")
		}
		if n > shortTrend && i == 0 && from.Day() > 20 {
			c.Group = "" // the next month begins close by
		}
		for _, class := range classes {
			c.Values = append(c.Values, counts(i, class))
		}
		s.Columns = append(s.Columns, c)
	}
	for i := len(incidents) - 1; i >= 0; i-- {
		if m, ok := mark(&incidents[i], midnights); ok {
			s.Marks = append(s.Marks, m)
		}
	}
	if s.Empty() {
		return ""
	}
	return s.Figure()
}

// mark is where an incident lies among the days.
func mark(in *query.Incident, midnights []time.Time) (chart.Mark, bool) {
	m := chart.Mark{From: -1, To: -1, Open: in.Closed.IsZero(), Link: "/incident?" + url.Values{"id": {in.ID}}.Encode()}
	if in.Count == 0 {
		return m, false
	}
	for i := range len(midnights) - 1 {
		if in.LastSeen.Before(midnights[i]) {
			break
		}
		if in.Opened.Before(midnights[i+1]) {
			if m.From < 0 {
				m.From = i
			}
			m.To = i
		}
	}
	m.Text = fmt.Sprintf("%s: %s", title(in), count.Of(in.Count, "failure"))
	return m, m.From >= 0
}

// title is an incident in a few words.
func title(in *query.Incident) string {
	if in.Domain == "" {
		return in.Cause.Title
	}
	return in.Cause.Title + ": " + in.Domain
}
