package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"harvester/parse/nearest"
	"harvester/parse/toml"
	"harvester/schedule"
	"harvester/schedule/sentlog"
)

// Sent is a log of what was sent, followed as it grows.
type Sent struct {
	Path     string         `toml:"path,required"`
	Format   string         `toml:"format,required"`
	Stream   string         `toml:"stream"`   // of all mail in it; empty: by the sender of each
	Schedule *schedule.Spec `toml:"schedule"` // nil: every five minutes
}

// defaultFollow is how often a log is looked into.
const defaultFollow = "*/5 * * * *"

// When is when the log is looked into.
func (s Sent) When() schedule.Spec {
	if s.Schedule != nil {
		return *s.Schedule
	}
	spec, err := schedule.ParseSpec(defaultFollow)
	if err != nil {
		panic(err) // it is a constant
	}
	return spec
}

// SentNames are those of the logs, sorted.
func (c *Config) SentNames() []string { return slices.Sorted(maps.Keys(c.Sent)) }

func (c *Config) checkSent(d *toml.Document) {
	paths := map[string]string{}
	for _, name := range c.SentNames() {
		s, path := c.Sent[name], toml.Join("sent", name)
		if !namePattern.MatchString(name) {
			d.Fault(path, fmt.Sprintf("%q is not a name: use letters, digits, dot, hyphen and underscore", name), "")
		}
		if s.Format != "" && !slices.Contains(sentlog.Formats, s.Format) {
			hint := "one of " + strings.Join(sentlog.Formats, ", ")
			if near := nearest.Name(s.Format, sentlog.Formats); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			d.Fault(path+".format", fmt.Sprintf("there is no format %q", s.Format), hint)
		}
		if _, err := filepath.Match(s.Path, ""); err != nil {
			d.Fault(path+".path", fmt.Sprintf("%q is no pattern for file names", s.Path), "")
		}
		if s.Path != "" {
			unique(d, paths, filepath.Clean(s.Path), path+".path", "this log is followed already")
		}
		if _, ok := c.Streams[s.Stream]; s.Stream != "" && !ok {
			d.Fault(path+".stream", fmt.Sprintf("there is no stream %q", s.Stream), "a stream is a [stream.NAME] of this file")
		}
	}
}
