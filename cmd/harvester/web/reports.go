package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"harvester/parse/bounce"
	"harvester/store/query"
	"harvester/store/report"
)

// reportDay is a day that a report can be read of.
type reportDay struct {
	query.Day
	Failed, Complaints int
}

// reportsPage lists the days that have a report.
func (s *server) reportsPage(w http.ResponseWriter, r *http.Request) {
	v := struct {
		frame
		Days []reportDay
	}{frame: s.frame(r, "reports")}
	days, _, err := s.calendar.Days(r.Context(), s.midnights(v.Now, longTrend), 0)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	brief, err := s.Set.DB.Reports.Brief(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for i := len(days) - 1; i >= 0; i-- {
		if d := &days[i]; d.To.After(brief.First) && !brief.First.IsZero() {
			v.Days = append(v.Days, reportDay{*d, failed(d), d.Kinds[bounce.KindComplaint]})
		}
	}
	s.render(w, r, http.StatusOK, "reports", &v)
}

// reportPage is the report of a day, made anew from what is stored: the same as
// the file and the mail, for a browser.
func (s *server) reportPage(w http.ResponseWriter, r *http.Request) {
	loc := s.Set.Config.Timezone.Location()
	day, err := time.ParseInLocation(time.DateOnly, r.PathValue("date"), loc)
	if err != nil {
		s.fail(w, r, bad("write /report/2026-01-31", "%q is no day", r.PathValue("date")))
		return
	}
	now := time.Now()
	if day.After(now) {
		s.fail(w, r, bad("", "%s has not begun", r.PathValue("date")))
		return
	}
	rep, err := s.Set.Report(r.Context(), report.Day, day.Add(12*time.Hour), report.Full)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	// Midnight may be missing, or the day 23 hours long: the day goes by its noon.
	nav := report.Nav{Home: "/", Before: "/report/" + day.AddDate(0, 0, -1).Format(time.DateOnly)}
	if next := day.AddDate(0, 0, 1); !next.After(now) {
		nav.After = "/report/" + next.Format(time.DateOnly)
	}
	var b bytes.Buffer
	if err := rep.Page(&b, nav); err != nil {
		s.fail(w, r, err)
		return
	}
	// The report brings its style along; only that one is let in.
	sum := sha256.Sum256([]byte(report.Style()))
	w.Header().Set("Content-Security-Policy", policyOf("'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'"))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // whoever asked is gone when it fails
}
