package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/web"
	"harvester/schedule"
)

// serve begins to answer over HTTP where that is configured, until ctx ends.
// The function that it returns waits for that.
func (d *daemon) serve(ctx context.Context, set *compose.Set, r *schedule.Runner) (wait func(), err error) {
	c := &set.Config.Web
	if c.Listen == "" {
		return func() {}, nil
	}
	o := web.Options{Actions: c.Actions, CheckHost: c.ChecksHost(), Hosts: c.Names(set.Config.Hostname), Set: set, States: r.States, Alive: r.Healthy, Metrics: d.metrics.Handler(set, r.States), Log: d.Log}
	if !c.Token.IsZero() {
		if o.Token, err = c.Secret(ctx); err != nil {
			return nil, fmt.Errorf("web.token: %w", err)
		}
	}
	site, err := web.New(o)
	if err != nil {
		return nil, err
	}
	l, err := web.Listen(ctx, string(c.Listen))
	if err != nil {
		return nil, err
	}
	d.Log.Info("serving", slog.String("path", string(c.Listen)))
	var serving sync.WaitGroup
	serving.Go(func() { site.Warm(ctx) })
	serving.Go(func() {
		if err := web.Serve(ctx, l, site, d.Log); err != nil {
			d.Log.Error("serving ended", slog.Any("err", err))
		}
	})
	return serving.Wait, nil
}
