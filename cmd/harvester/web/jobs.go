package web

import (
	"fmt"
	"net/http"
	"time"

	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/judge"
	"harvester/store/query"
)

func (s *server) ratesPage(w http.ResponseWriter, r *http.Request) {
	v := struct {
		frame
		Rates []judge.Rate
	}{frame: s.frame(r, "failures")}
	var err error
	if v.Rates, err = s.Set.DB.Rates.Rates(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "rates", &v)
}

func (s *server) jobsPage(w http.ResponseWriter, r *http.Request) {
	v := struct {
		frame
		Jobs, Failing []jobState
		Folders       []query.FolderStatus
		Exports       []facts.Export
		Fleet         *fleetShown
	}{frame: s.frame(r, "jobs")}
	brief, err := s.Set.DB.Reports.Brief(r.Context())
	if err == nil {
		v.Exports, err = s.published(r.Context())
	}
	if err == nil {
		v.Fleet, err = s.fleet(r.Context())
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v.Jobs, v.Failing = s.jobs(&brief)
	v.Folders = brief.Folders
	s.render(w, r, http.StatusOK, "jobs", &v)
}

// shownRuns is how many runs the page of a job shows.
const shownRuns = 30

// jobPage is a mailbox, or another job: how it fared.
func (s *server) jobPage(w http.ResponseWriter, r *http.Request) {
	v := struct {
		frame
		Job     jobState
		Runs    []facts.Run
		Folders []query.FolderStatus
		Mailbox bool
	}{frame: s.frame(r, "jobs")}
	var name job.Name
	err := name.UnmarshalText([]byte(r.URL.Query().Get("name")))
	if err != nil {
		s.fail(w, r, bad("the jobs are listed under Jobs", "no job is named"))
		return
	}
	brief, err := s.Set.DB.Reports.Brief(r.Context())
	if err == nil {
		v.Runs, err = s.Set.DB.Runs.LastRuns(r.Context(), name, shownRuns)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	v.Job.Job, v.Mailbox = name, name.Kind == job.Harvest
	known := len(v.Runs) > 0
	all, _ := s.jobs(&brief)
	for _, j := range all {
		if j.Job == name {
			v.Job, known = j, true
		}
	}
	if !known {
		s.fail(w, r, missing(fmt.Errorf("job %s", name)))
		return
	}
	for _, f := range brief.Folders {
		if v.Mailbox && f.Mailbox == name.Subject {
			v.Folders = append(v.Folders, f)
		}
	}
	s.render(w, r, http.StatusOK, "job", &v)
}

// unclearTime is how far back the page looks for what nobody understood, and
// clusters how many of them it shows.
const (
	unclearTime = 30 * 24 * time.Hour
	clusters    = 20
)

func (s *server) triagePage(w http.ResponseWriter, r *http.Request) {
	v := struct {
		frame
		Clusters []query.Cluster
	}{frame: s.frame(r, "failures")}
	var err error
	if v.Clusters, err = s.Set.DB.Notices.Triage(r.Context(), v.Now.Add(-unclearTime), clusters); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "triage", &v)
}
