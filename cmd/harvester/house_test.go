package main

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The borders of the house (ARCHITECTURE.md): who may import whom. A package
// is under the first rule whose folder holds it.
var borders = []struct {
	folder string
	ours   []string // folders of ours that it may import from, beside its own
}{
	{"fixtures", nil},
	{"parse", nil},
	{"harvest", []string{"parse/count"}},
	// The rooms of the store, of which none knows those above it.
	{"store/job", nil},
	{"store/policy", []string{"parse"}},
	{"store/engine", []string{"parse/count"}},
	{"store/fleet", []string{"store/engine"}},
	{"store/facts", []string{"harvest", "parse", "store/engine", "store/fleet", "store/job", "store/policy"}},
	{"store/judge", []string{"harvest", "parse", "store/engine", "store/facts", "store/fleet", "store/job", "store/policy"}},
	{"store/query", []string{"harvest", "parse", "store/engine", "store/facts", "store/job", "store/judge", "store/policy"}},
	{"store/upkeep", []string{"parse", "store/engine", "store/facts", "store/job", "store/policy"}},
	{"store/foreign", []string{"parse", "store/policy"}},
	{"store", []string{"harvest", "parse"}}, // the types of both
	{"schedule", []string{"harvest", "parse", "store"}},
	{"cmd", []string{"fixtures", "harvest", "parse", "schedule", "store"}},
}

// only says that a package of others may be imported in one folder alone.
var only = map[string]string{
	"github.com/emersion/go-imap/v2": "harvest/imap",
	"modernc.org/sqlite":             "store/engine",
	"github.com/jackc/pgx/v5":        "store/engine",
	"github.com/spf13/cobra":         "cmd/harvester",
	"github.com/robfig/cron/v3":      "schedule",
	"github.com/emersion/go-smtp":    "store/notify",
	"github.com/prometheus":          "cmd/harvester/metrics",
	"github.com/miekg/dns":           "schedule/diagnose",
	"blitiri.com.ar/go/spf":          "schedule/diagnose/spf",
}

func TestHouseRules(t *testing.T) {
	// Tests may look anywhere: a sample mail, a server to read from.
	eachSource(t, "", func(s source) {
		for _, spec := range s.file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if problem := offence(path.Dir(s.path), name); problem != "" {
				t.Errorf("%s: %s", s.path, problem)
			}
		}
	})
}

// rooms are the only folders that speak SQL.
var rooms = []string{"store/engine", "store/fleet", "store/facts", "store/judge", "store/query", "store/upkeep"}

// pure are the folders without clock, files, network and SQL.
var pure = []string{"parse", "store/policy"}

// impure are what they must not import. Embedding is no reading of files.
var impure = []string{"os", "net", "net/http", "database/sql", "io/ioutil", "os/exec", "syscall"}

// offence says why a file of dir must not import a package.
func offence(dir, name string) string {
	if ours, ok := strings.CutPrefix(name, "harvester/"); ok {
		for _, b := range borders {
			if !within(dir, b.folder) {
				continue
			}
			for _, allowed := range append([]string{b.folder}, b.ours...) {
				if within(ours, allowed) {
					return ""
				}
			}
			return b.folder + " must not import " + ours
		}
		return "no rule says what " + dir + " may import: add one"
	}
	if name == "database/sql" && !slices.ContainsFunc(rooms, func(r string) bool { return within(dir, r) }) {
		return "only the rooms of the store speak SQL"
	}
	if slices.Contains(impure, name) && slices.ContainsFunc(pure, func(p string) bool { return within(dir, p) }) {
		return dir + " is pure: it must not import " + name
	}
	for pkg, folder := range only {
		if within(name, pkg) && !within(dir, folder) {
			return "only " + folder + " may import " + pkg
		}
	}
	if dir == "harvest" && strings.Contains(strings.SplitN(name, "/", 2)[0], ".") {
		return "the vocabulary of harvest uses the standard library alone"
	}
	return ""
}

func within(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

func TestOffence(t *testing.T) {
	for _, tt := range []struct {
		dir, name string
		ok        bool
	}{
		{"parse/rules", "harvester/parse/match", true},
		{"parse/rules", "harvester/store", false},
		{"harvest/imap", "harvester/parse", false},
		{"store", "harvester/schedule", false},
		{"schedule", "harvester/cmd/harvester/config", false},
		{"schedule", "database/sql", false},
		{"store/report", "database/sql", false},
		{"store/query", "database/sql", true},
		{"store/facts", "harvester/store/judge", false},
		{"store/judge", "harvester/store/query", false},
		{"store/policy", "os", false},
		{"parse/rules", "net", false},
		{"harvest", "github.com/emersion/go-sasl", false},
		{"harvest/imap", "github.com/emersion/go-imap/v2/imapclient", true},
		{"docs", "harvester/store", false},
	} {
		if got := offence(tt.dir, tt.name); (got == "") != tt.ok {
			t.Errorf("%s imports %s: %q", tt.dir, tt.name, got)
		}
	}
}
