package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"harvester/harvest"
)

const (
	// gather lets a burst of mail come together before the next run is asked for.
	gather = 15 * time.Second
	// steady is how long a connection must have stood before its end is taken as
	// one of those that every server makes from time to time.
	steady = time.Minute
)

// Watch asks for a run whenever the server says that mail has come to the first
// folder, over a connection of its own, until ctx ends. It returns at once where
// the source can't tell. Polling goes on besides: a server may forget.
func Watch(ctx context.Context, name string, source harvest.Source, wake func(), log *slog.Logger) {
	var backoff harvest.Backoff
	for ctx.Err() == nil {
		since := time.Now()
		err := watch(ctx, source, wake)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errors.ErrUnsupported):
			log.Debug("the server does not tell of new mail", slog.String("mailbox", name))
			return
		}
		if time.Since(since) > steady {
			backoff.Succeeded()
		}
		again := backoff.Failed(err, rand.Float64()) //nolint:gosec // spreads load, guards nothing
		log.Debug("watching for new mail broke off", slog.String("mailbox", name), slog.Duration("next", again), slog.Any("err", err))
		if !sleep(ctx, again) {
			return
		}
	}
}

// watch is one connection's work.
func watch(ctx context.Context, source harvest.Source, wake func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic, please report: %v", p)
		}
	}()
	session, err := source.Open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		_ = session.Close(closing) // nothing depends on it
	}()
	waiter, ok := session.(harvest.Waiter)
	if !ok {
		return errors.ErrUnsupported
	}
	folder := session.Folders()[0]
	for opened := false; ; opened = true {
		if err := waiter.Wait(ctx, folder); err != nil {
			return err
		}
		wake()
		if opened && !sleep(ctx, gather) {
			return ctx.Err()
		}
	}
}
