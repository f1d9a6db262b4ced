package metrics

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"harvester/cmd/harvester/compose"
	"harvester/schedule"
	"harvester/store/engine"
	"harvester/store/job"
	"harvester/store/policy"
)

// standing reads from the database how things stand when somebody asks.
type standing struct {
	set    *compose.Set
	states func() []schedule.State
}

// scrapeTime bounds what a scrape may cost.
const scrapeTime = 5 * time.Second

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
}

var (
	mailboxUp    = desc("mailbox_up", "1 when the last finished run of the mailbox's harvest succeeded.", "mailbox")
	lastPoll     = desc("mailbox_last_poll_timestamp_seconds", "Start of the last run of the mailbox's harvest that succeeded.", "mailbox")
	lastExport   = desc("export_last_success_timestamp_seconds", "Start of the last run of the export that succeeded.", "export")
	lastReport   = desc("report_last_success_timestamp_seconds", "Start of the last report that was written and sent.")
	jobDuration  = desc("job_last_duration_seconds", "How long the last finished run of a job took.", "job")
	suppressions = desc("suppressions", "Entries of the suppression list in force, by class.", "class")
	storeSize    = desc("store_size_bytes", "Size of the database.")
	jobMissed    = desc("job_missed_total", "Runs that the schedule of a job had and that did not begin, since the configuration came to work.", "job")
	tokenExpiry  = desc("oauth_token_expiry_timestamp_seconds", "When the access token of a mailbox ends; it is renewed before.", "mailbox")
	rules        = desc("rules", "Rules for the meaning of replies, by where they are from.", "source")
	stopped      = desc("exports_stopped", "1 while the breaker keeps the exports still.")
	alarms       = desc("alarms", "Alarms that last, by urgency.", "urgency")
	workers      = desc("workers", "Workers that live and share the database; 0 for a database that is a file.")
	leases       = desc("worker_leases", "Leases that a worker holds, by kind: mailbox, export, log, alarms, leader.", "worker", "kind")
	leaderless   = desc("leaderless_seconds", "For how long no worker has judged.")
	pending      = desc("handed_in_mails", "Mails that workers handed in and that are not judged yet.")
	pendingAge   = desc("handed_in_oldest_seconds", "How long the oldest of them waits.")
	unreadable   = desc("scrape_errors", "Figures that could not be read for this answer.")
)

// Describe says that what Collect tells depends on the configuration.
func (standing) Describe(chan<- *prometheus.Desc) {}

// Collect reads the figures. What can't be read is left out and counted: an
// old figure would look like a good one.
func (s standing) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	failed := 0
	tell := func(err error, d *prometheus.Desc, v float64, labels ...string) {
		switch {
		case err == nil:
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
		case !errors.Is(err, engine.ErrNotFound):
			failed++
		}
	}
	db := s.set.DB
	for _, j := range slices.Concat(s.set.Harvests(), s.set.Files()) {
		s.job(ctx, &j, tell)
	}
	classes, err := db.List.SuppressionClasses(ctx)
	for class, n := range classes {
		tell(nil, suppressions, float64(n), class)
	}
	if err != nil {
		failed++
	}
	space, err := db.Space(ctx)
	tell(err, storeSize, float64(space.Bytes))
	_, still, err := db.Guard.Tripped(ctx)
	tell(err, stopped, map[bool]float64{true: 1}[still])
	lasting, err := db.Alarms.Alarms(ctx)
	for _, urgency := range []policy.Urgency{policy.Soon, policy.Now} {
		n := 0
		for i := range lasting {
			if lasting[i].Lasts() && lasting[i].Urgency == urgency {
				n++
			}
		}
		tell(err, alarms, float64(n), urgency.String())
	}
	for _, j := range s.states() {
		out <- prometheus.MustNewConstMetric(jobMissed, prometheus.CounterValue, float64(j.Missed), j.Job.String())
	}
	for mailbox, at := range s.set.TokenExpiries() {
		tell(nil, tokenExpiry, float64(at.UnixMilli())/1000, mailbox)
	}
	if db.OnServer() {
		s.fleet(ctx, tell)
	}
	own := s.set.Rules().Own()
	tell(nil, rules, float64(len(s.set.Rules().Rules())-own), "builtin")
	tell(nil, rules, float64(own), "rules_dir")
	tell(nil, unreadable, float64(failed))
}

// fleet tells how the workers stand.
func (s standing) fleet(ctx context.Context, tell func(error, *prometheus.Desc, float64, ...string)) {
	all, err := s.set.DB.Fleet.Workers(ctx)
	n := 0
	for i := range all {
		if !all[i].Heard {
			continue
		}
		n++
		held := map[string]int{}
		for _, l := range all[i].Leases {
			kind, _, _ := strings.Cut(l, " ")
			held[kind]++
		}
		for kind, of := range held {
			tell(nil, leases, float64(of), all[i].ID, kind)
		}
	}
	tell(err, workers, float64(n))
	without, err := s.set.DB.Fleet.Leaderless(ctx)
	tell(err, leaderless, without.Seconds())
	waits, err := s.set.DB.Mailboxes.Pending(ctx)
	tell(err, pending, float64(waits.Mails))
	tell(err, pendingAge, waits.Lag().Seconds())
}

// job tells how the runs of a job stand.
func (s standing) job(ctx context.Context, j *schedule.Job, tell func(error, *prometheus.Desc, float64, ...string)) {
	last, err := s.set.DB.Runs.LastRun(ctx, j.Name, false)
	if err == nil && !last.Ended.IsZero() {
		tell(nil, jobDuration, last.Ended.Sub(last.Started).Seconds(), j.Name.String())
	}
	good, goodErr := s.set.DB.Runs.LastRun(ctx, j.Name, true)
	at := float64(good.Started.UnixMilli()) / 1000
	switch name := j.Name.Subject; j.Name.Kind {
	case job.Harvest:
		// While it runs, the mailbox is as it was.
		up := !last.Ended.IsZero() && last.OK || last.Ended.IsZero() && goodErr == nil
		tell(err, mailboxUp, map[bool]float64{true: 1}[up], name)
		tell(goodErr, lastPoll, at, name)
	case job.Export:
		tell(goodErr, lastExport, at, name)
	case job.Report:
		if name == "" { // a digest is another thing
			tell(goodErr, lastReport, at)
		}
	}
}
