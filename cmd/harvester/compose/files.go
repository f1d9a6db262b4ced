package compose

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"harvester/cmd/harvester/config"
	"harvester/parse/count"
	"harvester/store/export"
	"harvester/store/query"
	"harvester/store/report"
	"harvester/store/upkeep"
)

// Exported is what became of an export.
type Exported struct {
	Name string `json:"name"`
	Path string `json:"path"`
	export.Result
	Delta *export.Delta `json:"delta,omitempty"` // where it is asked for
}

// String is the outcome as one line.
func (e Exported) String() string {
	if !e.Changed {
		return fmt.Sprintf("unchanged, %s, generation %d", count.Of(e.Rows, "address"), e.Generation)
	}
	return fmt.Sprintf("wrote %s, generation %d", count.Of(e.Rows, "address"), e.Generation)
}

// Export brings one file up to date.
func (s *Set) Export(ctx context.Context, e *config.Export) (Exported, error) {
	out := Exported{Name: string(e.Name), Path: e.Path}
	t, err := s.target(ctx, e)
	if err != nil {
		return out, err
	}
	if s.member == nil { // else the leader does
		if _, err := s.DB.Judge.Refresh(ctx); err != nil {
			return out, err
		}
	}
	if out.Result, err = export.Publish(ctx, s.DB, t); err != nil {
		return out, err
	}
	if e.Delta {
		delta, err := export.PublishDelta(ctx, s.DB, t)
		if err != nil {
			return out, err
		}
		out.Delta = &delta
	}
	return out, s.tell(ctx, e, t, out.Result)
}

// tell runs the command of an export, unless it ran for this generation: one
// that failed, or that a crash came before, runs again with the next export.
func (s *Set) tell(ctx context.Context, e *config.Export, t export.Target, res export.Result) error {
	if len(e.OnChange) == 0 {
		return nil
	}
	marks, err := s.DB.Exports.ExportMarks(ctx, t.Name)
	if err != nil || marks.ToldGeneration == res.Generation {
		return err
	}
	if err := export.OnChange(ctx, e.OnChange, s.hookDeadline, t, res); err != nil {
		return err
	}
	return s.DB.Exports.ToldExport(ctx, t.Name, res.Generation)
}

// Verify says what is wrong with a published file, one sentence each.
func (s *Set) Verify(ctx context.Context, e *config.Export) ([]string, error) {
	t, err := s.target(ctx, e)
	if err != nil {
		return nil, err
	}
	return export.Verify(ctx, s.DB, t)
}

// target is the file that e describes.
func (s *Set) target(ctx context.Context, e *config.Export) (export.Target, error) {
	profile, err := export.Lookup(e.Profile)
	if err == nil {
		profile, err = profile.WithScope(e.Scope)
	}
	if err != nil {
		return export.Target{}, err
	}
	var key string
	if !e.Key.IsZero() {
		if key, err = e.Key.Resolve(ctx); err != nil {
			return export.Target{}, fmt.Errorf("exporting %s: %w", e.Name, err)
		}
	}
	unread, err := s.unread(ctx)
	if err != nil {
		return export.Target{}, err
	}
	f := s.filter(e)
	f.Digests = export.DigestsOf(string(e.Name), &profile)
	return export.Target{
		Name: string(e.Name), Path: e.Path, Profile: profile, Key: []byte(key), Rules: s.RulesVersion(), Now: s.DB.Now(),
		Filter: f, Unread: unread,
	}, nil
}

// unread are the mailboxes that nothing was ever read of.
func (s *Set) unread(ctx context.Context) (names []string, err error) {
	for i := range s.Config.Mailboxes {
		m := &s.Config.Mailboxes[i]
		read, err := s.DB.Mailboxes.EverRead(ctx, string(m.Name))
		if err != nil {
			return nil, err
		}
		if !read && m.Holds != config.HoldsSent {
			names = append(names, string(m.Name))
		}
	}
	return names, nil
}

// filter is the part of the list that an export takes.
func (s *Set) filter(e *config.Export) query.Filter {
	return query.Filter{
		Sources: e.Sources, Stream: e.Stream, Reasons: e.Reasons, Domains: domainNames(e.Domains),
		Since: e.Since.Start(s.Config.Timezone.Location()),
	}
}

func domainNames(in []config.Domain) []string {
	var out []string
	for _, d := range in {
		out = append(out, string(d))
	}
	return out
}

// Forget erases an address, and keeps what the hashed exports write for it.
func (s *Set) Forget(ctx context.Context, address, author string) (upkeep.Forgotten, error) {
	var digests []upkeep.Digest
	for i := range s.Config.Exports {
		t, err := s.target(ctx, &s.Config.Exports[i])
		if err != nil {
			return upkeep.Forgotten{}, err
		}
		if d, ok := export.Digest(address, &t); ok {
			digests = append(digests, d)
		}
	}
	return s.DB.Upkeep.Forget(ctx, address, author, digests...)
}

// Carried says what each export takes of the list.
func (s *Set) Carried() query.Carried {
	out := query.Carried{}
	for i := range s.Config.Exports {
		e := &s.Config.Exports[i]
		out[string(e.Name)] = s.filter(e)
	}
	return out
}

// Last is the last day, week or month that is complete: its noon or first noon,
// which is in it whatever the clocks do.
func (s *Set) Last(span report.Span, now time.Time) time.Time {
	from, _ := span.Bounds(now, s.Config.Timezone.Location(), 1)
	return from.Add(12 * time.Hour)
}

// Report is the report of the day, week or month that day is in.
func (s *Set) Report(ctx context.Context, span report.Span, day time.Time, show report.Addresses) (*report.Report, error) {
	return report.Build(ctx, s.DB, report.Options{
		Host: s.Config.Hostname, Span: span, Day: day, Location: s.Config.Timezone.Location(), Now: s.DB.Now(), Addresses: show, Asked: s.Config.Proof,
	})
}

// WriteReport writes a report in all forms and returns the files.
func (s *Set) WriteReport(ctx context.Context, r *report.Report) (files []string, err error) {
	err = s.DB.Rightfully(ctx, "putting a report into its place", func() error {
		files, err = s.writeReport(r)
		return err
	})
	return files, err
}

func (s *Set) writeReport(r *report.Report) ([]string, error) {
	base := filepath.Join(s.Config.Report.Path, "report-"+r.Date)
	var files []string
	for _, form := range []struct {
		ext   string
		write func(io.Writer) error
	}{{".txt", r.Text}, {".html", r.HTML}, {".json", r.JSON}} {
		if _, err := export.Replace(base+form.ext, form.write); err != nil {
			return files, fmt.Errorf("writing the report: %w", err)
		}
		files = append(files, base+form.ext)
	}
	return files, nil
}
