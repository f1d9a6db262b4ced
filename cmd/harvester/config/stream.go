package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"harvester/parse/toml"
	"harvester/store/facts"
	"harvester/store/judge"
	"harvester/store/policy"
)

// Stream is a part of the mail that is decided about by itself.
type Stream struct {
	Kind        policy.StreamKind       `toml:"kind"`
	ReturnPaths []string                `toml:"return_paths"`
	ListIDs     []string                `toml:"list_ids"`
	FeedbackIDs []string                `toml:"feedback_ids"`
	DKIM        []string                `toml:"dkim"`
	Headers     []string                `toml:"headers"`   // "Field: pattern"
	Mailboxes   []Name                  `toml:"mailboxes"` // of this configuration
	Proof       *policy.Proof           `toml:"proof"`     // least proof of every line; nil: as the line says
	Pause       PausePatch              `toml:"pause"`     // over those for all
	Policy      map[string]policy.Patch `toml:"policy"`
}

// StreamNames are those of the streams in the order of the file, which is the
// order in which they are tried.
func (c *Config) StreamNames() []string { return c.streamOrder }

// StoreStreams are the streams as the store takes them.
func (c *Config) StoreStreams() []facts.Stream {
	var out []facts.Stream
	for _, name := range c.streamOrder {
		s := c.Streams[name]
		one := facts.Stream{Name: name, Kind: s.Kind, ReturnPaths: s.ReturnPaths, ListIDs: s.ListIDs, FeedbackIDs: s.FeedbackIDs,
			DKIM: s.DKIM, Headers: map[string]string{}, Limits: c.Pause.with(s.Pause).limits()}
		for _, h := range s.Headers {
			field, pattern, _ := splitHeader(h)
			one.Headers[field] = pattern
		}
		for _, m := range s.Mailboxes {
			one.Mailboxes = append(one.Mailboxes, string(m))
		}
		out = append(out, one)
	}
	return out
}

// splitHeader takes "Field: pattern" apart.
func splitHeader(text string) (field, pattern string, ok bool) {
	field, pattern, _ = strings.Cut(text, ":")
	pattern = strings.TrimSpace(pattern)
	for _, known := range facts.StreamHeaders {
		if strings.EqualFold(field, known) {
			return known, pattern, pattern != ""
		}
	}
	return "", "", false
}

func (c *Config) checkStreams(d *toml.Document) {
	c.streamOrder = slices.SortedFunc(maps.Keys(c.Streams), func(a, b string) int {
		p, q := d.Place(toml.Join("stream", a)), d.Place(toml.Join("stream", b))
		return cmp.Or(cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column), strings.Compare(a, b))
	})
	seen := map[string]string{}
	for _, name := range c.streamOrder {
		s, path := c.Streams[name], toml.Join("stream", name)
		if !namePattern.MatchString(name) {
			d.Fault(path, fmt.Sprintf("%q is not a name: use letters, digits, dot, hyphen and underscore", name), "")
		}
		if name == judge.AllStreams {
			d.Fault(path, `"all" stands for all mail together`, "give the stream another name")
		}
		c.checkSelectors(d, &s, path, seen)
		if s.Pause != (PausePatch{}) && !d.Failed("pause.") {
			checkRates(d, toml.Join(path, "pause"), c.Pause.with(s.Pause))
		}
		c.checkStreamPolicy(d, name, &s, path)
	}
}

func (c *Config) checkSelectors(d *toml.Document, s *Stream, path string, seen map[string]string) {
	count := 0
	each := func(key string, values []string) {
		for i, v := range values {
			at := fmt.Sprintf("%s.%s[%d]", path, key, i)
			count++
			if strings.Trim(v, "* ") == "" {
				d.Fault(at, "this selects every mail", "leave it out: what no stream selects is called after its list or sender")
				continue
			}
			unique(d, seen, key+" "+strings.ToLower(v), at, "another stream selects this already")
		}
	}
	each("return_paths", s.ReturnPaths)
	each("list_ids", s.ListIDs)
	each("feedback_ids", s.FeedbackIDs)
	each("dkim", s.DKIM)
	each("headers", s.Headers)
	fields := map[string]bool{}
	for i, h := range s.Headers {
		field, _, ok := splitHeader(h)
		at := fmt.Sprintf("%s.headers[%d]", path, i)
		switch {
		case !ok:
			d.Fault(at, fmt.Sprintf("%q is no header pattern", h), `write "Subject: [News]*"; the fields are `+strings.Join(facts.StreamHeaders, ", "))
		case fields[field]:
			d.Fault(at, "a second pattern for "+field, "one of them is enough, with * where they differ; or select by another key")
		}
		fields[field] = true
	}
	for i, m := range s.Mailboxes {
		at := fmt.Sprintf("%s.mailboxes[%d]", path, i)
		count++
		if !slices.ContainsFunc(c.Mailboxes, func(box Mailbox) bool { return box.Name == m }) {
			d.Fault(at, fmt.Sprintf("there is no mailbox %q", m), "name a [[mailbox]] of this file")
			continue
		}
		unique(d, seen, "mailboxes "+string(m), at, "another stream selects this already")
	}
	if count == 0 && !d.Failed(path+".") {
		d.Fault(path, "the stream selects no mail", `say how it is told, for example list_ids = ["news.example.org"]`)
	}
}

// checkStreamPolicy lays the stream's own lines over those for all streams.
func (c *Config) checkStreamPolicy(d *toml.Document, name string, s *Stream, path string) {
	if s.Proof != nil {
		at := toml.Join(path, "proof")
		origin := fmt.Sprintf("%s:%d", c.File, d.Place(at).Line)
		for _, l := range c.Table.Lines("") {
			if !l.Suppress || l.Proof >= *s.Proof || l.Name == policy.SourceUnsubscribe.String() {
				continue // an opt-out is honoured without proof
			}
			table, err := c.Table.With(name, l.Name, policy.Patch{Proof: s.Proof}, origin)
			if err != nil {
				d.Fault(at, err.Error(), "")
				return
			}
			c.Table = table
		}
	}
	c.overlay(d, name, toml.Join(path, "policy"), s.Policy)
}
