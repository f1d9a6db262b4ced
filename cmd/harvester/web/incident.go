package web

import (
	"fmt"
	"html/template"
	"net/http"
	"time"

	"harvester/cmd/harvester/compose"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store/query"
)

// incidentsPage lists what is wrong on our side, and what was.
func (s *server) incidentsPage(w http.ResponseWriter, r *http.Request) {
	v := struct {
		frame
		Open, Closed []query.Incident
	}{frame: s.frame(r, "incidents")}
	all, err := s.Set.DB.Incidents.Incidents(r.Context(), v.Now.AddDate(0, 0, -longTrend))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v.Open = openByCost(all)
	for _, in := range all {
		if !in.Closed.IsZero() {
			v.Closed = append(v.Closed, in)
		}
	}
	s.render(w, r, http.StatusOK, "incidents", &v)
}

// incident is one incident with what it cost.
type incident struct {
	frame
	query.Incident
	Findings []compose.Looked // of `harvester diagnose` about it
	Trend    template.HTML
	Struck   []query.Struck
	Next     string // reference of the last address, where more follow
	Latest   []query.Event
	Before   []query.Incident // with the same cause
}

// struckPage is how many addresses of an incident stand on a page.
const struckPage = 50

func (s *server) incidentPage(w http.ResponseWriter, r *http.Request) {
	v := incident{frame: s.frame(r, "incidents")}
	ctx, q := r.Context(), r.URL.Query()
	all, err := s.Set.DB.Incidents.Of(ctx, q.Get("id"), 1)
	if err == nil && len(all) == 0 {
		err = missing(fmt.Errorf("incident %q", q.Get("id")))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v.Incident, v.Before = all[0], all[1:]
	beyond, _ := s.sealer.open(q.Get("after"))
	if v.Struck, err = s.Set.DB.Incidents.Struck(ctx, &v.Incident, beyond, struckPage+1); err != nil {
		s.fail(w, r, err)
		return
	}
	if len(v.Struck) > struckPage {
		v.Struck = v.Struck[:struckPage]
		v.Next = s.sealer.seal(v.Struck[struckPage-1].Key)
	}
	latest, err := s.Set.DB.Notices.Search(ctx, query.EventSearch{Incident: v.ID, Limit: 5})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v.Latest = latest.Events
	if v.Findings, err = s.Set.Looked(ctx, v.ID); err != nil {
		s.fail(w, r, err)
		return
	}
	v.Trend = incidentTrend(&v.Incident, s.midnights(v.Now, longTrend))
	s.render(w, r, http.StatusOK, "incident", &v)
}

// incidentTrend are the failures of an incident by day, since a little before
// it opened.
func incidentTrend(in *query.Incident, midnights []time.Time) template.HTML {
	for len(midnights) > shortTrend+1 && midnights[2].Before(in.Opened) {
		midnights = midnights[1:]
	}
	return trend(count.Of(in.Count, "failure")+", by day", midnights, func(day int, class bounce.Class) (n int) {
		if class != bounce.ClassBlock {
			return 0
		}
		for _, h := range in.Hours {
			if !h.Hour.Before(midnights[day]) && h.Hour.Before(midnights[day+1]) {
				n += h.N
			}
		}
		return n
	}, nil)
}
