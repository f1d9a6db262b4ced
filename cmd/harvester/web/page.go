package web

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/store/query"
	"harvester/store/report/chart"
)

//go:embed pages/*.tmpl
var pageFiles embed.FS

//go:embed style.css
var styleSource string

// frame is what every page shows around its content.
type frame struct {
	Nav     string // which part of the service it belongs to
	Now     time.Time
	Asked   string // the address that was looked for
	Actions bool
	Back    string // this page, to come back to after an act
	Done    string // the act that was carried out
	Fresh   bool   // it loads itself anew
}

func (s *server) frame(r *http.Request, nav string) frame {
	q := r.URL.Query()
	done := q.Get("done")
	q.Del("done")
	back := url.URL{Path: r.URL.Path, RawQuery: q.Encode()}
	return frame{Nav: nav, Now: time.Now(), Actions: s.Actions, Done: acts[done].done, Back: back.String()}
}

func (s *server) stamp(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.In(s.Set.Config.Timezone.Location()).Format("2006-01-02 15:04")
}

// templates are the pages.
func (s *server) templates() (*template.Template, error) {
	zone := s.Set.Config.Timezone.Location()
	t, err := template.New("").Funcs(template.FuncMap{
		"stamp":   s.stamp,
		"day":     func(t time.Time) string { return t.In(zone).Format("2\u00a0Jan") },
		"date":    func(t time.Time) string { return t.In(zone).Format(time.DateOnly) },
		"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"ago":     ago,
		"holds":   holdsOf,
		"percent": percent,
		"number":  count.Number[int],
		"count":   count.Of[int],
		"verb":    count.Verb[int],
		"join":    func(s []string) string { return strings.Join(s, ", ") },
		"first":   func(s []string, n int) []string { return s[:min(len(s), n)] },
		"less":    func(n, less int) int { return n - less },
		"marked":  marked,
		"seal":    s.sealer.seal,
		"title":   func(in query.Incident) string { return title(&in) },
		"step":    func(in query.Incident) string { return firstStep(&in) },
		"upper":   strings.ToUpper,
		"act":     func(name string) act { return acts[name] },
		"acted":   func(list []query.IncidentAct) bool { return len(list) > 0 },
		"means":   func(word string) string { return meanings[word] },
		"bar":     bar,
		"or":      cmp.Or[string],
		"tab":     tab,

		"breakable": breakable,
		"daysOf":    daysOf,
		"queryOf":   queryOf,
		"deed":      deed,
		"choice":    choice,
		"fields":    fields,
		"took":      took,
		"deref":     func(n *int) int { return *n },
		"int":       func(n int64) int { return int(n) },
	}).ParseFS(pageFiles, "pages/*.tmpl")
	if err != nil {
		return nil, fmt.Errorf("reading the pages: %w", err)
	}
	return t, nil
}

// firstStep is what to do first about an incident.
func firstStep(in *query.Incident) string {
	if len(in.Cause.Steps) == 0 {
		return ""
	}
	return in.Cause.Steps[0]
}

// bar is a share of a whole, drawn. A style attribute is what the page's policy
// forbids.
func bar(n, most int) template.HTML {
	if most <= 0 {
		return ""
	}
	return template.HTML(`<svg class="bar" width="100%" height="8" aria-hidden="true" focusable="false"><rect width="` + //nolint:gosec // a number
		strconv.FormatFloat(100*float64(n)/float64(most), 'f', 1, 64) + `%" height="8" rx="2"/></svg>`)
}

func (s *server) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write([]byte(chart.CSS + styleSource)) // whoever asked is gone when it fails
}

func (s *server) render(w http.ResponseWriter, r *http.Request, status int, name string, v any) {
	// Rendered whole before the first byte goes out: a page that breaks off
	// in the middle would look complete.
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name, v); err != nil {
		s.Log.Error("rendering failed", slog.String("path", r.URL.Path), slog.Any("err", err))
		problem(w, http.StatusInternalServerError, "the page can't be shown", "see the log of the service")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	if _, err := w.Write(b.Bytes()); err != nil {
		s.Log.Debug("sending a page failed", slog.Any("err", err))
	}
}

// breakable lets a word, a host name or an address break where its parts meet.
func breakable(word string) template.HTML {
	return template.HTML(joints.Replace(template.HTMLEscapeString(word))) //nolint:gosec // escaped
}

var joints = strings.NewReplacer("_", "_<wbr>", "@", "@<wbr>", ".", "<wbr>.")

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
	return count.Of(int(d.Hours()/24), "day") + " ago"
}

// marked shows the words that matched inside the reply they stand in. The two
// characters that stand for the marks mean nothing in a reply; if one brings
// them all the same, no more than a mark comes of it.
func marked(e query.ExplainedEvent) template.HTML {
	return template.HTML(strings.NewReplacer("\x02", "<mark>", "\x03", "</mark>").Replace( //nolint:gosec // escaped
		template.HTMLEscapeString(e.Marked("\x02", "\x03"))))
}

// meanings are words of the interface that are not plain English.
var meanings = map[string]string{
	bounce.FaultRecipient.String():       "the address is bad, or its mailbox full",
	bounce.FaultRecipientPolicy.String(): "it exists, and does not want us",
	bounce.FaultSender.String():          "ours to mend; nobody is suppressed",
	bounce.FaultMessage.String():         "this mail alone; nobody is suppressed",
	bounce.FaultReceiver.String():        "network, or their system; counts only after days",
}
