package compose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"harvester/store/export"
	"harvester/store/judge"
	"harvester/store/policy"
)

// signal is what a file in the pause folder says.
type signal struct {
	Stream string            `json:"stream"`
	Level  policy.Level      `json:"level"`
	Why    string            `json:"why"`
	Since  time.Time         `json:"since"`
	Limits policy.RateLimits `json:"limits"`
}

// UpdateRates judges every stream anew, after mail came in or counts did, and
// brings the signal files up to date. It returns the streams whose level
// changed.
func (s *Set) UpdateRates(ctx context.Context) ([]judge.Rate, error) {
	all, changed, err := s.DB.Rates.UpdateRates(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range changed {
		s.Log.InfoContext(ctx, "the rate of a stream changed its level", slog.String("stream", r.Stream), slog.String("level", r.Level.String()), slog.String("why", r.Why))
	}
	if s.Config.Pause.Path == "" {
		return changed, nil
	}
	for _, r := range all {
		err = errors.Join(err, s.signal(r))
	}
	return changed, err
}

// signal writes the file of a paused stream, and removes that of another: a
// sender need only look whether it exists.
func (s *Set) signal(r judge.Rate) error {
	path := filepath.Join(s.Config.Pause.Path, r.Stream)
	if r.Level != policy.Paused {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing the pause signal: %w", err)
		}
		return nil
	}
	_, err := export.Replace(path, func(w io.Writer) error {
		return json.NewEncoder(w).Encode(signal{r.Stream, r.Level, r.Why, r.Since, r.Limits})
	})
	if err != nil {
		return fmt.Errorf("writing the pause signal: %w", err)
	}
	return nil
}
