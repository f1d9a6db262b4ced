package export

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"harvester/parse/bounce"
	"harvester/store/query"
)

// ManifestSchema names the layout of a manifest.
const ManifestSchema = "harvester.export/1"

// Manifest says what the files beside it hold. It is written after them.
type Manifest struct {
	Schema     string    `json:"schema"`
	Name       string    `json:"name"`
	Profile    string    `json:"profile"`
	Generation int64     `json:"generation"` // grows by one with each change of the data
	Created    time.Time `json:"created"`    // when this generation was written
	Rows       int       `json:"rows"`       // addresses over all parts
	SHA256     string    `json:"sha256"`     // over the bytes of all parts in order
	Parts      []Part    `json:"parts"`
	Filter     Narrowed  `json:"filter"`
	Policy     string    `json:"policy"`
	Rules      string    `json:"rules"`
	Addresses  string    `json:"addresses"`              // how they are spelt
	Skipped    int       `json:"skipped"`                // in the file of skipped addresses
	Omitted    []Omitted `json:"omitted"`                // what the target has no place for
	Losses     []string  `json:"losses"`                 // what the target can't express
	SkippedAt  string    `json:"skipped_file,omitempty"` // beside the data

	// Files that are about to be written for the first time: after a crash they
	// are known to be ours.
	Claims []string `json:"claims,omitempty"`

	Removals []string `json:"removals,omitempty"` // of a delta: the files of addresses that left the list, in order
}

// owns tells whether a file beside the manifest is one that we wrote.
func (m *Manifest) owns(file string) bool {
	return m.SkippedAt == file || slices.Contains(m.Claims, file) || slices.Contains(m.Removals, file) ||
		slices.ContainsFunc(m.Parts, func(p Part) bool { return p.File == file })
}

// Narrowed says which part of the list a file holds; all of it when empty.
type Narrowed struct {
	Domain  string         `json:"domain,omitempty"`
	Sources []string       `json:"sources,omitempty"`
	Stream  string         `json:"stream,omitempty"`
	Reasons []string       `json:"reasons,omitempty"`
	Domains []string       `json:"domains,omitempty"`
	Classes []bounce.Class `json:"classes,omitempty"`
	Since   time.Time      `json:"since,omitzero"` // when entries came onto the list, at the earliest
}

func filterOf(f query.Filter) Narrowed {
	n := Narrowed{Domain: f.Domain, Sources: f.Sources, Stream: f.Stream, Reasons: f.Reasons, Domains: f.Domains, Classes: f.Classes, Since: f.Since}
	if f.Source != "" {
		n.Sources = append([]string{f.Source}, f.Sources...)
	}
	return n
}

// Part is one data file.
type Part struct {
	File   string `json:"file"` // beside the manifest
	Rows   int    `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Omitted counts entries of one kind that the target has no place for.
type Omitted struct {
	Kind string `json:"kind"`
	N    int    `json:"n"`
}

// ManifestPath is where the manifest of the data file at path lies.
func ManifestPath(path string) string { return path + ".manifest.json" }

// ReadManifest reads the manifest of the data file at path. A file without
// one gives an error that is fs.ErrNotExist.
func ReadManifest(path string) (*Manifest, error) {
	b, err := os.ReadFile(ManifestPath(path))
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	m := new(Manifest)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("reading the manifest %s: %w (move it and the file away to begin anew)", ManifestPath(path), err)
	}
	if m.Schema != ManifestSchema {
		return nil, fmt.Errorf("reading the manifest %s: its schema is %q, this program knows %q", ManifestPath(path), m.Schema, ManifestSchema)
	}
	return m, nil
}

func (m *Manifest) write(path string) (bool, error) {
	return Replace(ManifestPath(path), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(m)
	})
}
