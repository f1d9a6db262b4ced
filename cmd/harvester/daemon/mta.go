package daemon

import (
	"context"
	"log/slog"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/mta"
	"harvester/cmd/harvester/web"
	"harvester/schedule"
)

// listen begins to answer where that is configured, over HTTP and to mail
// servers, until ctx ends. The function that it returns waits for that.
func (d *daemon) listen(ctx context.Context, set *compose.Set, r *schedule.Runner) (wait func(), err error) {
	set.DB.List.Remember()
	answered, err := d.answerMTAs(ctx, set)
	if err != nil {
		return nil, err
	}
	served, err := d.serve(ctx, set, r)
	if err != nil {
		return nil, err
	}
	return func() { served(); answered() }, nil
}

// answerMTAs begins to answer mail servers.
func (d *daemon) answerMTAs(ctx context.Context, set *compose.Set) (wait func(), err error) {
	c := &set.Config.MTA
	if c.Listen == "" {
		return func() {}, nil
	}
	l, err := web.Listen(ctx, string(c.Listen))
	if err != nil {
		return nil, err
	}
	d.Log.Info("answering mail servers", slog.String("path", string(c.Listen)))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := mta.Serve(ctx, l, mta.Options{List: set.DB.List, Stream: c.Stream, Log: d.Log}); err != nil {
			d.Log.Error("answering mail servers ended", slog.Any("err", err))
		}
	}()
	return func() { <-ended }, nil
}
