// Package metrics counts what the daemon does and tells Prometheus. Labels are
// the names of mailboxes, jobs and exports and the words of the JSON contract;
// no address, domain or host is ever one.
package metrics

import (
	"cmp"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"harvester/cmd/harvester/compose"
	"harvester/parse/bounce"
	"harvester/schedule"
	"harvester/store/facts"
)

// Metrics are those of one daemon, through all its configurations. It is a
// schedule.Meter.
type Metrics struct {
	registry *prometheus.Registry

	polls        *prometheus.CounterVec
	poll         *prometheus.HistogramVec
	messages     *prometheus.CounterVec
	bytes        prometheus.Counter
	backlog      *prometheus.GaugeVec
	recipients   *prometheus.CounterVec
	unclassified *prometheus.CounterVec
	changes      *prometheus.CounterVec
	parse        prometheus.Summary
	commit       prometheus.Histogram
	reloaded     prometheus.Gauge
	reloadedTime prometheus.Gauge
}

// New begins to count. version is that of the program.
func New(version string) *Metrics {
	m := &Metrics{
		registry:     prometheus.NewRegistry(),
		polls:        counters("polls_total", "Runs of a mailbox's harvest, by result.", "mailbox", "result"),
		messages:     counters("messages_total", "Messages understood, by kind.", "mailbox", "kind"),
		recipients:   counters("bounces_total", "Recipients that failed, by class and reason.", "class", "reason"),
		unclassified: counters("unclassified_total", "Failed recipients whose reply no rule or code explains, by who spoke.", "provider"),
		backlog: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "mailbox_backlog_messages",
			Help: "Messages that a mailbox's harvest knows of and has not read."}, []string{"mailbox"}),
		changes:      counters("suppression_changes_total", "Changes of the suppression list.", "change"),
		bytes:        prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "message_bytes_total", Help: "Bytes of the messages understood."}),
		reloaded:     gauge("config_last_reload_successful", "1 when the configuration as it stands is at work."),
		reloadedTime: gauge("config_last_reload_success_timestamp_seconds", "When a configuration last came to work."),
		poll: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: "poll_duration_seconds",
			Help: "How long the run of a mailbox's harvest takes.", Buckets: prometheus.ExponentialBuckets(.05, 4, 8)}, []string{"mailbox"}),
		parse: prometheus.NewSummary(prometheus.SummaryOpts{Namespace: namespace, Name: "parse_duration_seconds",
			Help: "How long a message takes to be understood; the mean of its batch."}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: "store_commit_duration_seconds",
			Help: "How long storing a batch takes.", Buckets: prometheus.ExponentialBuckets(.001, 4, 8)}),
	}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info", Help: "The program; always 1."}, []string{"version"})
	info.WithLabelValues(version).Set(1)
	m.registry.MustRegister(m.polls, m.poll, m.messages, m.bytes, m.recipients, m.unclassified, m.backlog, m.changes, m.parse, m.commit, m.reloaded, m.reloadedTime, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

const namespace = "harvester"

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
}

// Handler answers a scrape with what was counted and how the configuration at
// work stands.
func (m *Metrics) Handler(set *compose.Set, states func() []schedule.State) http.Handler {
	now := prometheus.NewRegistry()
	now.MustRegister(standing{set, states})
	return promhttp.HandlerFor(prometheus.Gatherers{m.registry, now}, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Reloaded says whether the configuration as it stands is at work.
func (m *Metrics) Reloaded(ok bool) {
	if !ok {
		m.reloaded.Set(0)
		return
	}
	m.reloaded.Set(1)
	m.reloadedTime.SetToCurrentTime()
}

// Parsed counts what a batch says.
func (m *Metrics) Parsed(mailbox string, items []facts.Item, took time.Duration) {
	for i := range items {
		it := &items[i]
		if it.Message.Gone || it.Message.Poison != nil {
			continue
		}
		m.parse.Observe(took.Seconds() / float64(len(items)))
		m.messages.WithLabelValues(mailbox, it.Result.Kind.String()).Inc()
		m.bytes.Add(float64(it.Message.Size))
		for j := range it.Result.Recipients {
			if r := &it.Result.Recipients[j]; it.Result.Kind == bounce.KindBounce && r.Action == bounce.Failed {
				m.recipients.WithLabelValues(r.Class.String(), r.Reason.String()).Inc()
				if r.Reason == bounce.Unclassified {
					m.unclassified.WithLabelValues(cmp.Or(r.Vendor, "other")).Inc()
				}
			}
		}
	}
}

// Left tells how far behind a harvest is.
func (m *Metrics) Left(mailbox string, messages int) {
	m.backlog.WithLabelValues(mailbox).Set(float64(messages))
}

// Committed counts how the list changed.
func (m *Metrics) Committed(out facts.Outcome, took time.Duration) {
	m.commit.Observe(took.Seconds())
	m.changes.WithLabelValues("add").Add(float64(out.Added))
	m.changes.WithLabelValues("hold").Add(float64(out.Held))
	m.changes.WithLabelValues("remove").Add(float64(out.Removed))
}

// Polled counts a run.
func (m *Metrics) Polled(mailbox string, _ schedule.Tally, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.polls.WithLabelValues(mailbox, result).Inc()
	m.poll.WithLabelValues(mailbox).Observe(took.Seconds())
}
