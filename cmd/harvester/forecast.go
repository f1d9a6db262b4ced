package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/schedule"
)

// mostForecast is how many addresses a dry run names; JSON has all.
const mostForecast = 20

// rehearsing runs f on a copy of the database, and prints what it would change.
func (a *app) rehearsing(ctx context.Context, c *config.Config, asJSON bool, f func(*compose.Rehearsal) error) error {
	r, err := compose.Rehearse(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer r.Close()
	if err := f(r); err != nil {
		return err
	}
	if err := a.warnOfUnproven(ctx, r.Set); err != nil {
		return err
	}
	forecast, err := r.Forecast(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(a.Out).Encode(forecast)
	}
	return a.buffered(func(b *bytes.Buffer) error { return printForecast(&page{w: b, zone: c.Timezone.Location()}, forecast) })
}

func printForecast(p *page, f *compose.Forecast) error {
	p.line("\n%s would come onto the list%s", count.Of(len(f.Listed), "address"), colon(len(f.Listed)))
	for _, s := range f.Listed[:min(len(f.Listed), mostForecast)] {
		p.line("  %s  %s\n      %s", printable(s.Address), s.Reason, wrap(s.Line, 72, 6))
	}
	if more := len(f.Listed) - mostForecast; more > 0 {
		p.line("  … and %s more; --json names them all", count.Number(more))
	}
	if n := len(f.Held); n > 0 {
		p.line("%s", wrap(fmt.Sprintf("%s would be held back: so many failures at one receiver at once look like an outage there", count.Of(n, "more address")), 78, 2))
	}
	if n := len(f.Removed); n > 0 {
		p.line("%s would leave the list: %s", count.Of(n, "address"), wrap(printable(strings.Join(f.Removed[:min(n, mostForecast)], ", ")), 50, 2))
	}
	if len(f.Incidents) > 0 {
		p.line("\nYours to mend, nobody is listed for these:")
	}
	for _, in := range f.Incidents {
		p.line("  %s", wrap(fmt.Sprintf("%s (%s): %s at %s", in.Cause.Title, in.ID, count.Of(in.More, "failure"), strings.Join(in.Receivers, ", ")), 76, 4))
	}
	if len(f.Exports) > 0 {
		p.line("\nExports:")
	}
	for _, e := range f.Exports {
		what := "would stay as it is"
		if e.Added+e.Removed > 0 {
			what = fmt.Sprintf("%s more, %s fewer", count.Number(e.Added), count.Number(e.Removed))
		}
		p.line("  %s (%s): %s, %s in all", e.Name, e.Profile, what, count.Of(e.Rows, "address"))
	}
	if f.Stopped != nil {
		p.line("  %s", wrap("the guard would keep them still until harvester ack: "+f.Stopped.Why, 76, 2))
	}
	p.line("\nNothing was written, and nothing was changed on a server.")
	return p.err
}

func colon(n int) string {
	if n == 0 {
		return ""
	}
	return ":"
}

// kindsText are the kinds of what was read, most first.
func kindsText(t *schedule.Tally) string {
	kinds := slices.DeleteFunc(bounce.Kinds(), func(k bounce.Kind) bool { return t.Kinds[k] == 0 })
	slices.SortStableFunc(kinds, func(a, b bounce.Kind) int { return cmp.Compare(t.Kinds[b], t.Kinds[a]) })
	parts := make([]string, len(kinds))
	for i, k := range kinds {
		parts[i] = fmt.Sprintf("%d %s", t.Kinds[k], k)
	}
	return strings.Join(parts, ", ")
}
