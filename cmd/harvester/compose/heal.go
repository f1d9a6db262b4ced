package compose

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"harvester/store/engine"
)

// fewEvents is how many events are held against the list whenever a daemon or a
// pass begins: it takes a moment. Larger databases are checked by the job.
const fewEvents = 20_000

// healSmall brings a small database back in step before anything relies on it.
func (s *Set) healSmall(ctx context.Context) error {
	n, err := s.DB.Reports.Events(ctx)
	if err != nil || n > fewEvents {
		return err
	}
	mended, err := s.DB.Judge.Heal(ctx)
	for _, what := range mended {
		s.Log.WarnContext(ctx, "mended", "what", what)
	}
	return err
}

// check is the job that brings the list back in step with the facts.
func (s *Set) check(ctx context.Context) (string, error) {
	if err := s.DB.Judge.MayDecide(ctx); errors.Is(err, engine.ErrStopped) {
		return "checked nothing: " + err.Error(), nil
	}
	mended, err := s.DB.Judge.Heal(ctx)
	if err != nil {
		return "", err
	}
	if len(mended) == 0 {
		return "the list follows from the stored events", nil
	}
	return fmt.Sprintf("mended: %s", strings.Join(mended, "; ")), nil
}
