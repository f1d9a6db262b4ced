package compose

import (
	"context"
	"fmt"

	"harvester/cmd/harvester/config"
	"harvester/schedule"
	"harvester/store/job"
	"harvester/store/push"
	"harvester/store/query"
)

// Push tells a service what changed. A dry one only counts.
func (s *Set) Push(ctx context.Context, p *config.Push, dry bool) (push.Result, error) {
	service, err := push.Lookup(p.Service)
	if err != nil {
		return push.Result{}, err
	}
	to := push.Settings{
		Name: string(p.Name), Service: service, URL: p.URL, List: p.List, User: p.User, Batch: p.Batch, Rate: p.Rate,
		Filter: query.Filter{Sources: p.Sources, Stream: p.Stream, Reasons: p.Reasons, Domains: domainNames(p.Domains)}, Generic: p.Generic(),
	}
	if !dry {
		if !p.Key.IsZero() {
			if to.Key, err = p.Key.Resolve(ctx); err != nil {
				return push.Result{}, fmt.Errorf("pushing to %s: %w", p.Name, err)
			}
		}
		if _, err := s.DB.Judge.Refresh(ctx); err != nil {
			return push.Result{}, err
		}
	}
	return push.Run(ctx, s.DB, to, dry)
}

// pushes are the jobs of the services.
func (s *Set) pushes() []schedule.Job {
	var jobs []schedule.Job
	for i := range s.Config.Pushes {
		p := &s.Config.Pushes[i]
		jobs = append(jobs, schedule.Job{
			Name: job.Push.Of(string(p.Name)), Spec: p.Schedule, Deadline: pushDeadline, AtOnce: true, Follows: true,
			Run: func(ctx context.Context) (string, error) {
				res, err := s.Push(ctx, p, false)
				return res.String(), err
			},
		})
	}
	return jobs
}
