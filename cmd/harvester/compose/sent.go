package compose

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"harvester/cmd/harvester/config"
	"harvester/parse/count"
	"harvester/schedule"
	"harvester/schedule/sentlog"
	"harvester/store/facts"
	"harvester/store/job"
)

// Logs are the jobs that follow the logs of what was sent.
func (s *Set) Logs() []schedule.Job {
	var out []schedule.Job
	for _, name := range s.Config.SentNames() {
		c := s.Config.Sent[name]
		out = append(out, schedule.Job{
			Name: job.Ledger.Of(name), Spec: c.When(), Deadline: harvestDeadline, AtOnce: true,
			Run: func(ctx context.Context) (string, error) { return s.follow(ctx, name, c) },
		})
	}
	return out
}

// follow records what came into a log since the last time. The position is
// kept after the rows; rows that are read again change nothing.
func (s *Set) follow(ctx context.Context, name string, c config.Sent) (string, error) {
	saved, err := s.DB.Volumes.LogPosition(ctx, name)
	if err != nil {
		return "", err
	}
	var pos sentlog.Position
	if saved != nil {
		if err := json.Unmarshal(saved, &pos); err != nil {
			return "", fmt.Errorf("reading the position in log %s: %w", name, err)
		}
	}
	bad := 0
	log := sentlog.Log{Path: c.Path, Format: c.Format, Now: s.DB.Now().In(s.Config.Timezone.Location()), Keep: facts.LedgerTime}
	read, proven, err := s.DB.Judge.RecordSent(ctx, SentRows(log.Follow(ctx, &pos, &bad), c.Stream))
	if err != nil {
		return "", err
	}
	if saved, err = json.Marshal(pos); err != nil {
		return "", fmt.Errorf("keeping the position in log %s: %w", name, err)
	}
	if err := s.DB.Volumes.KeepLogPosition(ctx, name, saved); err != nil {
		return "", err
	}
	detail := fmt.Sprintf("%s read, %s proven", count.Of(read, "recipient"), count.Of(proven, "failure"))
	if bad > 0 {
		detail += fmt.Sprintf(", %s not understood", count.Of(bad, "line"))
	}
	if s.member == nil { // else the leader does
		_, err = s.UpdateRates(ctx)
	}
	return detail, err
}

// SentRows are rows of a log as the ledger takes them. stream is that of rows
// without one.
func SentRows(rows iter.Seq2[sentlog.Row, error], stream string) iter.Seq2[facts.Sent, error] {
	return func(yield func(facts.Sent, error) bool) {
		for r, err := range rows {
			if !yield(facts.Sent{MessageID: r.MessageID, Recipient: r.Recipient, Sender: r.Sender, Stream: cmp.Or(r.Stream, stream), At: r.At}, err) {
				return
			}
		}
	}
}

// CheckRows reads all rows of a ledger and joins what is wrong with them, with
// the line of each where it is known. At most limit errors are named.
func CheckRows(rows iter.Seq2[sentlog.Row, error], known func(stream string) error, limit int) (n int, err error) {
	var errs []error
	for r, err := range rows {
		if err == nil && r.Stream != "" {
			if err = known(r.Stream); err != nil {
				err = &sentlog.LineError{Line: r.Line, Err: err}
			}
		}
		if err == nil {
			n++
			continue
		}
		if errs = append(errs, err); len(errs) == limit {
			errs = append(errs, errors.New("and perhaps more"))
			break
		}
	}
	return n, errors.Join(errs...)
}
