package web

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"harvester/parse/bounce"
	"harvester/store/query"
)

// eventsView are the events, to look through.
type eventsView struct {
	frame
	Filter url.Values
	Found  query.EventsFound
	Next   template.URL
	Kinds  []string
	Words  map[string][]string // what can be chosen, by parameter
}

// eventFilters are the parameters that narrow the events.
var eventFilters = []string{"kind", "action", "reason", "class", "receiver", "stream", "since", "incident"}

const eventsPerPage = 50

func (s *server) eventsPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	v := eventsView{frame: s.frame(r, "events"), Filter: url.Values{}, Words: map[string][]string{
		"action": {"failed", "delayed", "delivered", "relayed", "expanded"}, "class": {"hard", "soft", "block", "none"}}}
	for _, k := range bounce.Kinds() {
		v.Words["kind"] = append(v.Words["kind"], k.String())
	}
	for _, reason := range bounce.Reasons() {
		v.Words["reason"] = append(v.Words["reason"], reason.String())
	}
	slices.Sort(v.Words["reason"])
	for _, name := range eventFilters {
		if word := strings.TrimSpace(q.Get(name)); word != "" {
			v.Filter.Set(name, word)
		}
	}
	f := query.EventSearch{Action: v.Filter.Get("action"), Reason: v.Filter.Get("reason"), Class: v.Filter.Get("class"), Receiver: v.Filter.Get("receiver"),
		Stream: v.Filter.Get("stream"), Incident: v.Filter.Get("incident"), Limit: eventsPerPage}
	var err error
	if f.Since, err = s.date("since", v.Filter.Get("since")); err == nil && v.Filter.Get("kind") != "" {
		if f.Kind.UnmarshalText([]byte(v.Filter.Get("kind"))) != nil {
			err = bad("choose one of the list", "there is no kind %q", v.Filter.Get("kind"))
		}
	}
	if below := q.Get("below"); below != "" && err == nil {
		if _, failed := fmt.Sscanf(below, "%d.%d", &f.Below.At, &f.Below.ID); failed != nil {
			err = bad("begin at the first page", "the link is damaged")
		}
	}
	if err == nil {
		v.Found, err = s.Set.DB.Notices.Search(r.Context(), f)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if v.Found.Next != (query.Place{}) {
		next := url.Values{}
		for name := range v.Filter {
			next.Set(name, v.Filter.Get(name))
		}
		next.Set("below", fmt.Sprintf("%d.%d", v.Found.Next.At, v.Found.Next.ID))
		v.Next = template.URL(next.Encode()) //nolint:gosec // encoded
	}
	s.render(w, r, http.StatusOK, "events", &v)
}
