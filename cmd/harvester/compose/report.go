package compose

import (
	"context"
	"errors"
	"fmt"

	"harvester/parse/count"
	"harvester/schedule"
	"harvester/store/fleet"
	"harvester/store/job"
	"harvester/store/report"
)

// digestSpecs are when the digests of a week and of a month are made.
var digestSpecs = map[report.Span]string{report.Week: "20 6 * * 1", report.Month: "30 6 1 * *"}

// reports are the jobs of the daily report and of the digests.
func (s *Set) reports(basis job.Name) []schedule.Job {
	c := &s.Config.Report
	if c.Path == "" {
		return nil
	}
	one := func(name job.Name, span report.Span, spec schedule.Spec) schedule.Job {
		return schedule.Job{
			Name: name, Spec: spec, Deadline: fileDeadline, Basis: basis,
			Run: func(ctx context.Context) (string, error) {
				r, err := s.Report(ctx, span, s.Last(span, s.DB.Now()), c.Addresses)
				if err != nil {
					return "", err
				}
				files, err := s.WriteReport(ctx, r)
				if errors.Is(err, fleet.ErrLost) {
					return "", err // who leads now sends it
				}
				return fmt.Sprintf("wrote %s", count.Of(len(files), "file")), errors.Join(err, s.SendReport(ctx, r, sendTries))
			},
		}
	}
	jobs := []schedule.Job{one(job.Report.Alone(), report.Day, c.Schedule)}
	for _, span := range c.Digests {
		spec, err := schedule.ParseSpec(digestSpecs[span])
		if err != nil {
			panic(err) // it is a constant
		}
		jobs = append(jobs, one(job.Report.Of(span.String()), span, spec))
	}
	return jobs
}
