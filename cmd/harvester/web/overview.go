package web

import (
	"cmp"
	"context"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"harvester/parse/bounce"
	"harvester/schedule"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/query"
	"harvester/store/report"
)

// overview is what the first page shows. It answers in one screen whether
// somebody has to act.
type overview struct {
	frame
	Sentence  sentence
	Host      string
	At        time.Time // when it was counted
	Figures   []figure
	Long      bool // 90 days
	Trend     template.HTML
	Heat      heat
	Incidents []query.Incident // open ones, by cost
	More      int              // that are not shown
	Troubles  []policy.Trouble // but for incidents and jobs, which are shown themselves
	Stopped   *judge.Trip
	Holds     []query.Hold
	InForce   int
	Held      int
	Jobs      []jobState
	Failing   []jobState
	Last      time.Time // of all mail
}

// counted is the part of the overview that costs work where much is stored.
type counted struct {
	at   time.Time
	took time.Duration

	days      []query.Day
	midnights []time.Time
	cells     []query.Cell
	incidents []query.Incident // open at some time of the trend
	troubles  []policy.Trouble
	rates     []judge.Rate
	inForce   int
	held      int
}

// counter keeps what was counted, for each length of the trend.
type counter struct {
	mu   sync.Mutex
	kept map[int]*counted
}

const (
	fresh = 30 * time.Second       // for which it is shown as it is
	quick = 100 * time.Millisecond // what counts faster is counted before it is shown
)

// counted is what was counted last. Where counting is slow, what is a little
// old is shown at once, and stale says that it is to be counted anew when the
// answer is sent.
func (s *server) counted(ctx context.Context, days int) (c *counted, stale bool, err error) {
	s.counter.mu.Lock()
	defer s.counter.mu.Unlock()
	c = s.counter.kept[days]
	if c != nil {
		switch age := time.Since(c.at); {
		case age < fresh:
			return c, false, nil
		case c.took > quick && age < time.Hour:
			return c, true, nil
		}
	}
	c, err = s.count(ctx, days)
	if err == nil {
		s.counter.kept[days] = c
	}
	return c, false, err
}

// recount counts anew what was found to be old, once the answer is out.
func (s *server) recount(w http.ResponseWriter, r *http.Request, days int) {
	_ = http.NewResponseController(w).Flush() // it was sent whole: the visitor waits no longer
	s.counter.mu.Lock()
	defer s.counter.mu.Unlock()
	if c := s.counter.kept[days]; c != nil && time.Since(c.at) < fresh {
		return // somebody else did
	}
	if c, err := s.count(context.WithoutCancel(r.Context()), days); err == nil {
		s.counter.kept[days] = c
	}
}

// forget makes the next page count anew: somebody acted.
func (c *counter) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.kept)
}

func (s *server) count(ctx context.Context, days int) (*counted, error) {
	db, now := s.Set.DB, time.Now()
	c := &counted{at: now, midnights: s.midnights(now, days)}
	var err error
	if c.days, c.cells, err = s.calendar.Days(ctx, c.midnights, heatDays); err != nil {
		return nil, err
	}
	if c.incidents, err = db.Incidents.Incidents(ctx, c.midnights[0]); err != nil {
		return nil, err
	}
	if c.troubles, err = s.Set.Troubles(ctx, now); err != nil {
		return nil, err
	}
	if c.rates, err = db.Rates.Rates(ctx); err != nil {
		return nil, err
	}
	c.inForce, c.held, err = db.List.Standing(ctx)
	c.took = time.Since(now)
	return c, err
}

// maxOpen is how many open incidents the overview shows.
const maxOpen = 4

func (s *server) overviewPage(w http.ResponseWriter, r *http.Request) {
	v := overview{frame: s.frame(r, "overview"), Host: s.Set.Config.Hostname, Long: r.URL.Query().Get("days") == "90"}
	days := shortTrend
	if v.Long {
		days = longTrend
	}
	if r.URL.Query().Get("fresh") != "" {
		w.Header().Set("Refresh", "60") // the visitor asked for it
		v.Fresh = true
	}
	c, stale, err := s.counted(r.Context(), days)
	if err == nil {
		err = s.overview(r.Context(), &v, c)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "overview", &v)
	if stale {
		s.recount(w, r, days)
	}
}

func (s *server) overview(ctx context.Context, v *overview, c *counted) error {
	db := s.Set.DB
	v.At, v.InForce, v.Held = c.at, c.inForce, c.held
	v.Trend = trend("failures a day", c.midnights, func(day int, class bounce.Class) int { return report.ByClass(&c.days[day], class) }, c.incidents)
	v.Heat = newHeat(c.cells, c.midnights[len(c.midnights)-1-heatDays])
	open := openByCost(c.incidents)
	v.Incidents = open[:min(len(open), maxOpen)]
	v.More = len(open) - len(v.Incidents)
	for _, t := range c.troubles {
		if !strings.HasPrefix(t.ID, "incident.") && !strings.HasPrefix(t.ID, "job.") && t.ID != "guard" {
			v.Troubles = append(v.Troubles, t)
		}
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
	v.Holds = slices.DeleteFunc(v.Holds, func(h query.Hold) bool { return h.Held == 0 && h.Ruling == "" })
	brief, err := db.Reports.Brief(ctx)
	if err != nil {
		return err
	}
	v.Last = brief.Last
	v.Figures = figures(c.days, brief.First, c.rates)
	v.Jobs, v.Failing = s.jobs(&brief)
	st := standing{Now: v.Now, First: brief.First, Troubles: c.troubles, Open: open, Held: undecided(v.Holds)}
	for _, j := range v.Jobs {
		if j.Job.Kind == job.Harvest && (st.Next.IsZero() || j.Next.Before(st.Next)) {
			st.Next = j.Next
		}
		st.Harvested = st.Harvested || j.Job.Kind == job.Harvest && j.Last != nil && j.Last.OK
	}
	for _, j := range v.Failing {
		st.Failing = append(st.Failing, j.Job.String())
	}
	for _, f := range v.Figures {
		if f.High {
			st.High = append(st.High, f)
		}
	}
	v.Sentence = st.say(s.stamp)
	return nil
}

// undecided counts the verdicts that are held and that nobody has ruled on.
func undecided(holds []query.Hold) (n int) {
	for i := range holds {
		if holds[i].Ruling == "" {
			n += holds[i].Held
		}
	}
	return n
}

// openByCost are the open incidents, the one that costs most first.
func openByCost(all []query.Incident) []query.Incident {
	open := slices.DeleteFunc(slices.Clone(all), func(in query.Incident) bool { return !in.Closed.IsZero() })
	slices.SortStableFunc(open, func(a, b query.Incident) int {
		return cmp.Or(cmp.Compare(b.Addresses, a.Addresses), cmp.Compare(len(b.Receivers), len(a.Receivers)), cmp.Compare(b.Count, a.Count))
	})
	return open
}

// jobState is a job with its last run.
type jobState struct {
	schedule.State
	Last *facts.Run
}

// Fails tells that the last run that ended failed.
func (j *jobState) Fails() bool { return j.Last != nil && !j.Last.Ended.IsZero() && !j.Last.OK }

// jobs are all jobs, and those that fail.
func (s *server) jobs(b *query.Brief) (all, failing []jobState) {
	for _, state := range s.States() {
		j := jobState{State: state}
		if i := slices.IndexFunc(b.Jobs, func(r facts.Run) bool { return r.Job == state.Job }); i >= 0 {
			j.Last = &b.Jobs[i]
		}
		all = append(all, j)
		if j.Fails() {
			failing = append(failing, j)
		}
	}
	return all, failing
}

// published is an export as the jobs page shows it.
func (s *server) published(ctx context.Context) (out []facts.Export, err error) {
	for i := range s.Set.Config.Exports {
		e, err := s.Set.DB.Exports.LastExport(ctx, string(s.Set.Config.Exports[i].Name))
		if errors.Is(err, engine.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}
