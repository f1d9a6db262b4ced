package compose

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPersist(t *testing.T) {
	broken := errors.New("broken")
	synctest.Test(t, func(t *testing.T) {
		calls, start := 0, time.Now()
		err := persist(t.Context(), 3, func() error {
			if calls++; calls < 3 {
				return broken
			}
			return nil
		})
		if err != nil || calls != 3 || time.Since(start) != 3*sendPause {
			t.Errorf("%v after %d calls in %v", err, calls, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), sendPause/2)
		defer cancel()
		calls = 0
		err = persist(ctx, 3, func() error { calls++; return broken })
		if !errors.Is(err, broken) || calls != 1 {
			t.Errorf("%v after %d calls", err, calls)
		}
	})
}
