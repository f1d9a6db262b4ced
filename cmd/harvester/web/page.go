package web

import (
	"context"
	_ "embed" // the template and the style
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"harvester/schedule"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/query"
	"harvester/store/report"
)

//go:embed page.html.tmpl
var pageSource string

//go:embed style.css
var styleSource []byte

// fresh is how long the figures of a day are shown before they are counted
// anew: counting them is the only work of a page that grows with the history.
const fresh = 30 * time.Second

// figures is the report of the day so far, with addresses masked.
type figures struct {
	mu     sync.Mutex
	at     time.Time
	report *report.Report
}

func (s *server) today(ctx context.Context) (*report.Report, error) {
	s.figures.mu.Lock()
	defer s.figures.mu.Unlock()
	now := time.Now()
	if s.figures.report != nil && now.Sub(s.figures.at) < fresh {
		return s.figures.report, nil
	}
	r, err := s.Set.Report(ctx, report.Day, now, report.Masked)
	if err == nil {
		s.figures.at, s.figures.report = now, r
	}
	return r, err
}

// overview is what the status page shows.
type overview struct {
	*report.Report
	Now       time.Time
	DB        query.Status
	Jobs      []standing
	Stopped   *judge.Trip
	Holds     []query.Hold
	Incidents []query.Incident
	Clusters  []query.Cluster
	Rates     []judge.Rate
	Exports   []facts.Export
	Trend     template.HTML
	Actions   bool
}

// standing is a job with its last run.
type standing struct {
	schedule.State
	Last *facts.Run
}

func (s *server) statusPage(w http.ResponseWriter, r *http.Request) {
	v := overview{Now: time.Now(), Actions: s.Actions}
	if err := s.overview(r.Context(), &v); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "status", v)
}

// unclearTime is how far back the page looks for what nobody understood, and
// clusters how many of them it shows.
const (
	unclearTime = 30 * 24 * time.Hour
	clusters    = 5
)

func (s *server) overview(ctx context.Context, v *overview) (err error) {
	db := s.Set.DB
	if v.Report, err = s.today(ctx); err != nil {
		return err
	}
	if v.Trend, err = v.Report.TrendSVG(); err != nil {
		return err
	}
	if v.DB, err = db.Reports.Status(ctx); err != nil {
		return err
	}
	for _, state := range s.States() {
		j := standing{State: state}
		if i := slices.IndexFunc(v.DB.Jobs, func(r facts.Run) bool { return r.Job == state.Job }); i >= 0 {
			j.Last = &v.DB.Jobs[i]
		}
		v.Jobs = append(v.Jobs, j)
	}
	trip, stopped, err := db.Guard.Tripped(ctx)
	if err != nil {
		return err
	}
	if stopped {
		v.Stopped = &trip
	}
	if v.Holds, err = db.Reports.Holds(ctx, v.Now); err != nil {
		return err
	}
	if v.Incidents, err = db.Incidents.Incidents(ctx, v.Now); err != nil {
		return err
	}
	if v.Clusters, err = db.Notices.Triage(ctx, v.Now.Add(-unclearTime), clusters); err != nil {
		return err
	}
	if v.Rates, err = db.Rates.Rates(ctx); err != nil {
		return err
	}
	for i := range s.Set.Config.Exports {
		e, err := db.Exports.LastExport(ctx, string(s.Set.Config.Exports[i].Name))
		if err == nil {
			v.Exports = append(v.Exports, e)
		}
	}
	return nil
}

// addressPage explains one address.
func (s *server) addressPage(w http.ResponseWriter, r *http.Request) {
	address := strings.TrimSpace(r.URL.Query().Get("q"))
	v := struct {
		Asked string
		query.Explanation
		Actions bool
		Done    string
	}{Asked: address, Actions: s.Actions, Done: r.URL.Query().Get("done")}
	if !strings.Contains(address, "@") {
		s.render(w, r, http.StatusBadRequest, "address", v)
		return
	}
	var err error
	if v.Explanation, err = s.Set.DB.List.Explain(r.Context(), address, s.Set.Carried()); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "address", v)
}

func (s *server) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(styleSource) // whoever asked is gone when it fails
}

// templates are the pages.
func (s *server) templates() (*template.Template, error) {
	zone := s.Set.Config.Timezone.Location()
	t, err := template.New("").Funcs(template.FuncMap{
		"stamp": func(t time.Time) string {
			if t.IsZero() {
				return "never"
			}
			return t.In(zone).Format("2006-01-02 15:04")
		},
		"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"ago":     ago,
		"percent": func(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) },
		"join":    func(s []string) string { return strings.Join(s, ", ") },
		"marked":  marked,
		"upper":   func(s report.Severity) string { return strings.ToUpper(string(s)) },
	}).Parse(pageSource)
	if err != nil {
		return nil, fmt.Errorf("reading the pages: %w", err)
	}
	return t, nil
}

func (s *server) render(w http.ResponseWriter, r *http.Request, status int, name string, v any) {
	// Rendered whole before the first byte goes out: a page that breaks off
	// in the middle would look complete.
	var b strings.Builder
	if err := s.pages.ExecuteTemplate(&b, name, v); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write([]byte(b.String())); err != nil {
		s.Log.Debug("sending a page failed", slog.Any("err", err))
	}
}

// ago is how long ago something was, in the largest unit that fits.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return "never"
	case d < time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// marked shows the words that matched inside the reply they stand in. The two
// characters that stand for the marks mean nothing in a reply; if one brings
// them all the same, no more than a mark comes of it.
func marked(e query.ExplainedEvent) template.HTML {
	return template.HTML(strings.NewReplacer("\x02", "<mark>", "\x03", "</mark>").Replace( //nolint:gosec // escaped
		template.HTMLEscapeString(e.Marked("\x02", "\x03"))))
}
