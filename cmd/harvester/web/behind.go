package web

import (
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"harvester/parse/bounce"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/query"
)

// behind is what lies behind a number: the failures at a receiver, of a reason,
// of a stream, or all.
type behind struct {
	frame
	What    string // receiver, reason, stream, or "" for all
	Name    string
	Title   string
	Says    string // what the word means
	Policy  string // of a reason: what follows
	Facets  query.Facets
	Trend   template.HTML
	Long    bool
	Rate    *judge.Rate
	Found   query.EventsFound
	Filter  template.URL // of the events page
	From    string       // the first day
	Members []facet
	Refuted []facts.Finding // of a receiver: what it claimed and was not so
}

// facet is a table of a behind page.
type facet struct {
	Title, What string
	Rows        []query.Tallied
	More        int
}

const facetRows = 12

func (s *server) failuresPage(w http.ResponseWriter, r *http.Request) {
	s.behindPage(w, r, behind{Title: "All failures"}, query.Facet{}, query.EventSearch{})
}

func (s *server) receiverPage(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	s.behindPage(w, r, behind{What: "receiver", Name: name, Title: or(name, "receiver not known")}, query.Facet{Receiver: &name}, query.EventSearch{Receiver: name})
}

func (s *server) streamPage(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	v := behind{What: "stream", Name: name, Title: or(name, "stream not known"), Says: "a part of your mail that is decided about by itself"}
	c, stale, err := s.counted(r.Context(), shortTrend) // rates as the overview has them
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if i := slices.IndexFunc(c.rates, func(x judge.Rate) bool { return x.Stream == name }); i >= 0 {
		v.Rate = &c.rates[i]
	}
	s.behindPage(w, r, v, query.Facet{Stream: &name}, query.EventSearch{Stream: name})
	if stale {
		s.recount(w, r, shortTrend)
	}
}

func (s *server) reasonPage(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	var reason bounce.Reason
	if err := reason.UnmarshalText([]byte(name)); err != nil {
		s.fail(w, r, bad("the reasons are listed under all failures", "there is no reason %q", name))
		return
	}
	v := behind{What: "reason", Name: name, Title: name, Says: meanings[reason.Fault().String()], Policy: s.follows(reason)}
	s.behindPage(w, r, v, query.Facet{Reason: &reason}, query.EventSearch{Reason: name})
}

// follows says what the policy makes of a reason.
func (s *server) follows(reason bounce.Reason) string {
	var lines []string
	for _, l := range s.Set.Config.Table.Lines("") {
		if strings.HasPrefix(l.Name+".", reason.String()+".") {
			lines = append(lines, l.String())
		}
	}
	return strings.Join(lines, "; ")
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// sampled is how many of the latest events such a page shows.
const sampled = 12

func (s *server) behindPage(w http.ResponseWriter, r *http.Request, v behind, f query.Facet, search query.EventSearch) {
	v.frame = s.frame(r, "failures")
	days := shortTrend
	if v.Long = r.URL.Query().Get("days") == "90"; v.Long {
		days = longTrend
	}
	midnights := s.midnights(v.Now, days)
	v.From = midnights[0].Format(time.DateOnly)
	var err error
	if v.Facets, err = s.calendar.Facets(r.Context(), f, midnights); err != nil {
		s.fail(w, r, err)
		return
	}
	incidents, err := s.Set.DB.Incidents.Incidents(r.Context(), midnights[0])
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v.Trend = trend("failures a day", midnights, func(day int, c bounce.Class) int { return v.Facets.Days[day][c] }, concerning(incidents, f))
	search.Action, search.Since, search.Limit = "failed", midnights[0], sampled
	if v.Found, err = s.Set.DB.Notices.Search(r.Context(), search); err != nil {
		s.fail(w, r, err)
		return
	}
	if v.What == "receiver" && v.Name != "" {
		if v.Refuted, err = s.Set.DB.Findings.Refuted(r.Context(), v.Name, midnights[0]); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	q := url.Values{"action": {"failed"}, "since": {v.From}}
	if v.What != "" {
		q.Set(v.What, v.Name)
	}
	v.Filter = template.URL(q.Encode()) //nolint:gosec // encoded
	for _, t := range []facet{{"Reasons", "reason", v.Facets.Reasons, 0}, {"Receivers", "receiver", v.Facets.Receivers, 0}, {"Streams", "stream", v.Facets.Streams, 0}} {
		if t.What == v.What || t.What == "stream" && len(t.Rows) < 2 && v.What == "" {
			continue
		}
		t.More = max(0, len(t.Rows)-facetRows)
		if r.URL.Query().Get("all") == "" {
			t.Rows = t.Rows[:len(t.Rows)-t.More]
		} else {
			t.More = 0
		}
		v.Members = append(v.Members, t)
	}
	s.render(w, r, http.StatusOK, "behind", &v)
}

// concerning are the incidents that struck at a receiver; all of them where no
// receiver is asked for, none for a reason or a stream.
func concerning(all []query.Incident, f query.Facet) (out []query.Incident) {
	if f.Reason != nil || f.Stream != nil {
		return nil
	}
	for _, in := range all {
		for _, name := range in.Receivers {
			if f.Receiver == nil || name == *f.Receiver {
				out = append(out, in)
				break
			}
		}
	}
	return out
}
