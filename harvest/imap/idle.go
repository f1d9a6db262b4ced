package imap

import (
	"context"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Wait returns when mail may have arrived, or after a while.
func (s *session) Wait(ctx context.Context, folder string) error {
	if _, err := s.open(ctx, folder); err != nil {
		return err
	}
	if !s.has(ctx, imap.CapIdle) {
		return s.pause(ctx)
	}
	return s.idle(ctx)
}

const (
	// idleCycle is how long one IDLE lasts. RFC 2177 allows 29 minutes, but
	// NAT boxes forget sooner, and some servers fall silent.
	idleCycle = 9 * time.Minute
	// pollPause is what stands for IDLE where the server has none.
	pollPause = time.Minute
)

func (s *session) pause(ctx context.Context) error {
	timer := time.NewTimer(pollPause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.client.Closed():
		return s.failed(ctx, "waiting for mail", s.conn.Failure())
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// idle runs one IDLE. When ctx ends, the session is still usable.
func (s *session) idle(ctx context.Context) error {
	select {
	case <-s.arrived: // from before
		return nil
	default:
	}
	var command interface {
		Close() error
		Wait() error
	}
	err := s.do(ctx, "starting IDLE", func() (err error) {
		command, err = s.client.Idle()
		return err
	})
	if err != nil {
		return err
	}
	timer := time.NewTimer(idleCycle)
	defer timer.Stop()
	select {
	case <-s.arrived:
	case <-timer.C:
	case <-ctx.Done():
	case <-s.client.Closed():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
	defer cancel()
	err = s.do(limited, "ending IDLE", func() error {
		if err := command.Close(); err != nil {
			return err
		}
		return command.Wait()
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
