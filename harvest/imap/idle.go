package imap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"
)

// idleCycle is how long one IDLE lasts. RFC 2177 allows 29 minutes, but NAT
// boxes forget sooner, and some servers fall silent.
const idleCycle = 9 * time.Minute

// Wait waits by IDLE, again and again.
func (s *session) Wait(ctx context.Context, folder string) error {
	if !s.has(ctx, imap.CapIdle) {
		return fmt.Errorf("waiting for mail in %s: %w", s.Name, cmpErr(ctx.Err(), s.conn.Failure(), errors.ErrUnsupported))
	}
	if s.folder == nil || s.folder.name != folder {
		_, err := s.open(ctx, folder)
		return err
	}
	for {
		if arrived, err := s.idle(ctx); arrived || err != nil {
			return err
		}
	}
}

// idle runs one IDLE. When ctx ends, the session is still usable.
func (s *session) idle(ctx context.Context) (arrived bool, err error) {
	select {
	case <-s.arrived: // from before
		return true, nil
	default:
	}
	var command interface {
		Close() error
		Wait() error
	}
	err = s.do(ctx, "starting IDLE", func() (err error) {
		command, err = s.client.Idle()
		return err
	})
	if err != nil {
		return false, err
	}
	timer := time.NewTimer(idleCycle)
	defer timer.Stop()
	select {
	case <-s.arrived:
		arrived = true
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
		return false, cause
	}
	return arrived, err
}
