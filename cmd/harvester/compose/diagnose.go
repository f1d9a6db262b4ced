package compose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"harvester/cmd/harvester/config"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/parse/domain"
	"harvester/schedule"
	"harvester/schedule/diagnose"
	"harvester/schedule/diagnose/resolve"
	"harvester/schedule/keyring"
	"harvester/store/facts"
	"harvester/store/job"
	"harvester/store/policy"
	"harvester/store/query"
)

// diagnoseDays is how far back failures count for a diagnosis.
const diagnoseDays = 30

// Checker makes a checker from a configuration. History is what the database
// keeps; nil for none.
func Checker(c *config.Config, o resolve.Options, history func(name, typ string) []diagnose.Earlier) (*diagnose.Checker, error) {
	for _, r := range c.Diagnose.Resolver {
		o.Servers = append(o.Servers, string(r))
	}
	client, err := resolve.New(o)
	if err != nil {
		return nil, err
	}
	opts := diagnose.Options{Client: client, Own: c.DiagnoseDomains(), Selectors: c.Diagnose.Selectors, Lists: c.Diagnose.Lists, History: history}
	for _, d := range domain.Names(c.Own()) { // what is not watched is ours all the same
		if !slices.Contains(opts.Own, d) {
			opts.Own = append(opts.Own, d)
		}
	}
	for _, r := range c.Diagnose.IPs {
		opts.IPs = append(opts.IPs, r.Prefix)
	}
	return diagnose.New(opts), nil
}

// History is what the database keeps of DNS records.
func (s *Set) History(ctx context.Context) func(name, typ string) []diagnose.Earlier {
	return func(name, typ string) (out []diagnose.Earlier) {
		list, err := s.DB.DNS.DNSHistory(ctx, name, typ, time.Time{})
		if err != nil {
			s.Log.WarnContext(ctx, "the history of DNS records can't be read", slog.Any("err", err))
			return nil
		}
		for _, r := range list {
			out = append(out, diagnose.Earlier{Values: r.Values, State: r.State, First: r.First, Last: r.Last})
		}
		return out
	}
}

// DiagnoseIncidents checks what open incidents claim; an id keeps to those of
// one cause. It returns the findings by incident, in the order of the
// incidents.
func (s *Set) DiagnoseIncidents(ctx context.Context, c *diagnose.Checker, incidents []query.Incident) ([]diagnose.Finding, error) {
	var out []diagnose.Finding
	before, err := s.DB.Findings.Findings(ctx, "", time.Time{})
	if err != nil {
		return nil, err
	}
	c.Found = found(before, incidents)
	for i := range incidents {
		in := &incidents[i]
		if facts.Watched(in.ID) {
			continue // it was found by looking
		}
		evs, err := s.evidence(ctx, in)
		if err != nil {
			return nil, err
		}
		out = append(out, join(ctx, c, evs)...)
	}
	diagnose.Rank(out)
	lay(out, incidents, c.History)
	return out, nil
}

// found are the faults that were confirmed at earlier looks at incidents, since
// each of them opened.
func found(before []facts.Finding, incidents []query.Incident) func(incident, check string) (string, time.Time, bool) {
	opened := map[string]time.Time{}
	for i := range incidents {
		opened[incidents[i].ID] = incidents[i].Opened
	}
	return func(incident, check string) (answer string, last time.Time, ok bool) {
		for i := range before {
			f := &before[i]
			if of, _, _ := strings.Cut(f.ID, "."); of == check && f.Fault && f.Scope == incident && f.Last.After(last) && !f.Last.Before(opened[incident]) {
				answer, last, ok = f.Answer, f.Last, true
			}
		}
		return answer, last, ok
	}
}

// DiagnoseDomain checks a domain: the records of one of ours, or whether a
// recipient's can take mail, with what was said of it.
func (s *Set) DiagnoseDomain(ctx context.Context, c *diagnose.Checker, domain string) ([]diagnose.Finding, error) {
	if policy.Own(domain, c.Own) {
		c.Shown = s.shown(ctx)
		list := c.Domain(ctx, domain)
		return list, s.Lay(ctx, list, c.History)
	}
	claims, err := s.DB.Incidents.DomainClaims(ctx, domain, s.DB.Now().AddDate(0, 0, -diagnoseDays))
	if err != nil {
		return nil, err
	}
	list := s.gather("", "", "", claims)
	if !slices.ContainsFunc(list, func(h heard) bool { return h.Claim.Reason == bounce.DomainUnknown }) {
		list = append(list, heard{Evidence: diagnose.Evidence{Group: "domain", Recipient: domain}})
	}
	out := join(ctx, c, list)
	diagnose.Rank(out)
	return out, nil
}

// KeepFindings stores what was found about incidents, so that they show it.
func (s *Set) KeepFindings(ctx context.Context, incidents []query.Incident, list []diagnose.Finding) error {
	for i := range incidents {
		id := incidents[i].ID
		if facts.Watched(id) {
			continue
		}
		var of []diagnose.Finding
		for _, f := range list {
			if f.Incident == id {
				of = append(of, f)
			}
		}
		rows, err := stored(of)
		if err != nil {
			return err
		}
		if err := s.DB.Findings.KeepFindings(ctx, id, rows); err != nil {
			return err
		}
	}
	return nil
}

func stored(list []diagnose.Finding) ([]facts.Finding, error) {
	var out []facts.Finding
	for i := range list {
		f := &list[i]
		body, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		out = append(out, facts.Finding{ID: f.ID, Subject: f.Subject.Key(), Verdict: string(f.Verdict), Answer: f.Answer, Body: body})
	}
	return out, nil
}

// theirs are the checks that look at receivers' records, of which no history is
// kept.
var theirs = []string{"tls", "route", "domain"}

// KeepDNS stores the records of ours that were seen, once each. Keys of our
// signatures among them serve the proof by DKIM.
func (s *Set) KeepDNS(ctx context.Context, list []diagnose.Finding) error {
	seen := map[string]bool{}
	var out []facts.DNSRecord
	for i := range list {
		if slices.Contains(theirs, list[i].Check()) {
			continue
		}
		for _, m := range list[i].Measured {
			typ, name, ok := strings.Cut(m.What, " ")
			if !ok || m.Resolver == "" || m.State == "unknown" || seen[m.What] || strings.Contains(name, " ") {
				continue
			}
			seen[m.What] = true
			out = append(out, facts.DNSRecord{Name: strings.ToLower(name), Type: typ, State: m.State, Values: m.Values})
		}
	}
	if len(out) == 0 {
		return nil
	}
	return errors.Join(s.keepKeys(ctx, out), s.DB.DNS.KeepDNS(ctx, out))
}

// keepKeys hands the keys of our selectors on to those who verify signatures.
func (s *Set) keepKeys(ctx context.Context, seen []facts.DNSRecord) error {
	for i := range seen {
		r := &seen[i]
		selector, domain, ok := strings.Cut(strings.TrimSuffix(r.Name, "."), "._domainkey.")
		if !ok || r.Type != "TXT" || r.State != "found" || !policy.Own(domain, s.Config.Own()) {
			continue
		}
		n := keyring.Name{Domain: domain, Selector: selector}
		var err error
		if s.keys != nil {
			err = s.keys.Saw(ctx, n, r.Values)
		} else {
			err = keyring.Keep(ctx, s.DB.Keys, n, r.Values)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Watch looks at our own records once: domains, keys, addresses, and where it
// is allowed the recipients' domains that failed as unknown.
func (s *Set) Watch(ctx context.Context) (string, error) {
	asked := 0
	c, err := Checker(s.Config, resolve.Options{Asked: func(a resolve.Answer) {
		asked++
		s.Log.DebugContext(ctx, "asked", slog.String("name", a.Name), slog.String("type", a.Type), slog.String("why", a.Why))
	}}, s.History(ctx))
	if err != nil {
		return "", err
	}
	c.Shown = s.shown(ctx)
	var list []diagnose.Finding
	for _, d := range s.Config.DiagnoseDomains() {
		list = append(list, c.Domain(ctx, d)...)
	}
	for _, r := range s.Config.Diagnose.IPs {
		if r.IsSingleIP() {
			list = append(list, c.IP(ctx, r.Addr())...)
		}
	}
	for _, name := range s.Config.Diagnose.Lists {
		list = append(list, c.DomainList(ctx, name)...)
	}
	known := slices.DeleteFunc(slices.Clone(list), func(f diagnose.Finding) bool { return f.Verdict == diagnose.CannotTell })
	if len(list) > 0 && len(known) == 0 {
		return "", fmt.Errorf("nothing can be told: %s", list[0].Answer)
	}
	if err := s.Lay(ctx, list, c.History); err != nil {
		return "", err
	}
	if err := s.keepWatch(ctx, list); err != nil {
		return "", err
	}
	dead, err := s.watchRecipients(ctx, c)
	if err != nil {
		return "", err
	}
	faults := 0
	for i := range list {
		if list[i].Open() {
			faults++
		}
	}
	detail := fmt.Sprintf("%s in %s, %s", count.Of(faults, "fault"), count.Of(len(list), "finding"), count.Of(asked, "question"))
	if s.Config.Diagnose.RecipientDomains {
		detail += ", " + count.Of(dead, "domain of recipients") + " dead"
	}
	return detail, nil
}

// keepWatch stores what was seen. What can't be told leaves a fault that was
// found before as it stands.
func (s *Set) keepWatch(ctx context.Context, list []diagnose.Finding) error {
	rows, err := stored(list)
	if err != nil {
		return err
	}
	before, err := s.DB.Findings.Findings(ctx, facts.WatchScope, s.DB.Now())
	if err != nil {
		return err
	}
	for _, old := range before {
		check, _, _ := strings.Cut(old.ID, ".")
		unsure := slices.ContainsFunc(list, func(f diagnose.Finding) bool {
			return f.Verdict == diagnose.CannotTell && f.Check() == check && f.Subject.Key() == old.Subject
		})
		if old.Fault && unsure && !slices.ContainsFunc(rows, func(r facts.Finding) bool { return r.ID == old.ID && r.Subject == old.Subject }) {
			rows = append(rows, old)
		}
	}
	return errors.Join(s.DB.Findings.KeepFindings(ctx, facts.WatchScope, rows), s.KeepDNS(ctx, list))
}

// maxRecipientDomains bounds the recipients' domains of one look.
const maxRecipientDomains = 200

// watchRecipients asks whether recipients' domains that failed as unknown live.
func (s *Set) watchRecipients(ctx context.Context, c *diagnose.Checker) (dead int, err error) {
	if !s.Config.Diagnose.RecipientDomains {
		return 0, nil
	}
	domains, err := s.DB.Incidents.UnknownDomains(ctx, s.DB.Now().AddDate(0, 0, -diagnoseDays), maxRecipientDomains)
	if err != nil {
		return 0, err
	}
	var seen []facts.DNSRecord
	for _, d := range domains {
		l := c.Life(ctx, d)
		if l.State == "unknown" || len(l.Answers) == 0 {
			continue
		}
		r := facts.DNSRecord{Name: d + ".", Type: diagnose.LifeType, State: "found", Values: []string{l.State}}
		if l.Dead() {
			dead++
			r.State = "nxdomain"
		}
		seen = append(seen, r)
	}
	if len(domains) > 20 && dead == len(domains) {
		return 0, errors.New("every recipient's domain looks dead: that is the resolver's fault")
	}
	if len(seen) == 0 {
		return dead, nil
	}
	_, err = s.DB.Judge.KeepLife(ctx, seen)
	return dead, err
}

// watchRecords is the job that watches our own records; none where it is not wanted.
func (s *Set) watchRecords() []schedule.Job {
	if !s.Config.Diagnose.Watch {
		return nil
	}
	return []schedule.Job{{Name: job.Diagnose.Alone(), Spec: s.Config.Diagnose.Schedule, Deadline: fileDeadline, AtOnce: true, Run: s.Watch}}
}
