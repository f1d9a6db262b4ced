package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/parse/count"
	"harvester/store/engine"
	"harvester/store/judge"
	"harvester/store/query"
)

// diagnosis is one thing that the doctor looked at.
type diagnosis struct {
	Check  string `json:"check"`
	State  string `json:"state"` // ok, warn, fail
	Detail string `json:"detail"`
}

// doctor collects what it finds.
type doctor struct{ found []diagnosis }

func (d *doctor) note(check, state, detail string) {
	d.found = append(d.found, diagnosis{check, state, detail})
}

// all notes each problem in the state given, or that all is well.
func (d *doctor) all(check, state, well string, problems ...string) {
	if len(problems) == 0 {
		d.note(check, "ok", well)
	}
	for _, p := range problems {
		d.note(check, state, p)
	}
}

func newDoctor(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look whether database, files, disk, clock and permissions are sound",
		Long: `Looks at everything that can be wrong on this machine: whether the database is
undamaged and free of contradictions, whether the list follows from the stored
events, whether the published files are what the database says, how much room
the disks have, the clock, and who may read the files. Nothing is changed. It
reads the whole database; it may run beside the daemon. Whether the mailboxes
can be used is told by "harvester config check --online".`,
		Example: "  harvester doctor\n  harvester doctor --json",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.loadConfig()
			if err != nil {
				return err
			}
			d := &doctor{}
			d.examine(cmd.Context(), c)
			if cmd.Context().Err() != nil {
				return cmd.Context().Err()
			}
			failed := slices.ContainsFunc(d.found, func(g diagnosis) bool { return g.State == "fail" })
			if asJSON {
				if err := json.NewEncoder(a.Out).Encode(d.found); err != nil {
					return err
				}
			} else {
				for _, g := range d.found {
					fmt.Fprintf(a.Out, "%-4s  %-13s %s\n", g.State, g.Check, wrap(g.Detail, 59, 20))
				}
			}
			if failed {
				return fail(exitData, errors.New("something needs your attention"), "docs/operations.md says what to do")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "nothing is wrong, apart from warnings", exitUsage, "the command line is wrong", exitData, "something is wrong", exitConfig, "the configuration is wrong")
	return cmd
}

func (d *doctor) examine(ctx context.Context, c *config.Config) {
	var around []string
	for _, e := range surroundings(ctx, c, true) {
		around = append(around, e.Key+": "+e.Problem)
	}
	d.all("configuration", "fail", c.File, around...)
	d.disks(c)
	d.permissions(c)
	set, err := openSet(ctx, c, true)
	if err != nil {
		d.note("database", "fail", err.Error())
		return
	}
	defer set.Close()
	d.database(ctx, set)
	d.proof(ctx, set)
	d.clock(set)
	d.files(ctx, set)
}

func (d *doctor) database(ctx context.Context, set *compose.Set) {
	s, err := set.DB.Reports.Status(ctx)
	if err != nil {
		d.note("database", "fail", err.Error())
		return
	}
	d.note("database", "ok", fmt.Sprintf("%s, schema %d, %.1f MB, %s", s.Path, s.Schema, float64(s.Bytes)/1e6, count.Of(s.Messages, "message")))
	switch err := set.DB.Intact(ctx); {
	case errors.Is(err, engine.ErrOwnTools):
		d.server(ctx, set)
	case err != nil:
		d.note("integrity", "fail", err.Error())
		return // what else a damaged file says means nothing
	default:
		d.note("integrity", "ok", "every page and every reference was read")
	}
	doubts, err := set.DB.Upkeep.Doubts(ctx)
	if err != nil {
		doubts = append(doubts, err.Error())
	}
	d.all("facts", "fail", "cursors, places and list do not contradict each other", doubts...)
	switch diff, err := set.DB.Judge.Replay(ctx, judge.Scenario{}); {
	case err != nil:
		d.note("decisions", "fail", err.Error())
	case len(diff.Changes) > 0:
		d.note("decisions", "warn", fmt.Sprintf("%s %s not follow from the stored events under this configuration: the daemon decides them anew when it starts and every night, harvester once in its first pass after three at night, harvester replay --apply at once", count.Of(len(diff.Changes), "entry of the list"), count.Verb(len(diff.Changes), "does", "do")))
	default:
		d.note("decisions", "ok", fmt.Sprintf("the list follows from %s", count.Of(diff.Events, "stored event")))
	}
	for _, f := range s.Folders {
		if !slices.ContainsFunc(set.Config.Mailboxes, func(m config.Mailbox) bool { return string(m.Name) == f.Mailbox }) {
			d.note("mailboxes", "warn", fmt.Sprintf("%s/%s was read, and no mailbox is configured under this name: a renamed mailbox is read from its beginning", f.Mailbox, f.Folder))
		}
	}
	switch unproven, err := set.DB.Reports.Unproven(ctx); {
	case err != nil:
		d.note("own_domains", "fail", err.Error())
	case unproven.String() != "":
		d.note("own_domains", "warn", unproven.String())
	default:
		d.note("own_domains", "ok", "nearly all failures are of mail from them")
	}
	var failing []string
	for _, j := range s.Jobs {
		if !j.OK && !j.Ended.IsZero() {
			failing = append(failing, fmt.Sprintf("the last run of %q failed at %s: %s", j.Job, j.Ended.In(set.Config.Timezone.Location()).Format("2006-01-02 15:04"), j.Detail))
		}
	}
	d.all("jobs", "warn", fmt.Sprintf("the last runs of %s were good", count.Of(len(s.Jobs), "job")), failing...)
}

// server looks at the one of PostgreSQL, which keeps its pages itself.
func (d *doctor) server(ctx context.Context, set *compose.Set) {
	signs, err := set.DB.Health(ctx)
	if err != nil {
		d.note("server", "fail", err.Error())
	}
	for _, s := range signs {
		level := "ok"
		if s.Bad {
			level = "warn"
		}
		d.note(s.Check, level, s.Text)
	}
}

// clock shows the time, and whether anything keeps it right; times to come in
// the database are told with its facts.
func (d *doctor) clock(set *compose.Set) {
	if clockBefore(time.Now()) != nil {
		return // told with the configuration
	}
	now := time.Now().In(set.Config.Timezone.Location()).Format("2006-01-02 15:04:05 MST")
	switch kept, err := compose.ClockSynchronised(); {
	case err != nil: // not in every container
		d.note("clock", "ok", now+"; whether it is synchronised can't be told here")
	case kept:
		d.note("clock", "ok", now+", synchronised")
	default:
		d.note("clock", "warn", now+", and nothing keeps it right: run systemd-timesyncd, chrony or ntpd, or see that the host does")
	}
}

// proof tells how well the failures are proven, and what raises that.
func (d *doctor) proof(ctx context.Context, set *compose.Set) {
	l, err := set.DB.Reports.Levels(ctx, query.LevelDays)
	if err != nil {
		d.note("proof", "fail", err.Error())
		return
	}
	state := "ok"
	if l.Host != "" || l.Claim != "" {
		state = "warn"
	}
	advice := l.Advice(set.Config.Proof)
	if len(advice) == 0 {
		advice = []string{"nothing failed lately"}
	}
	for _, a := range advice {
		d.note("proof", state, a)
	}
}

func (d *doctor) files(ctx context.Context, set *compose.Set) {
	for i := range set.Config.Exports {
		e := &set.Config.Exports[i]
		problems, err := set.Verify(ctx, e)
		if err != nil {
			problems = append(problems, err.Error())
		}
		d.all("export "+string(e.Name), "warn", "is what the database says", problems...)
	}
}

// disks looks at the room where something is written.
func (d *doctor) disks(c *config.Config) {
	places := []string{filepath.Dir(c.Store.Path)}
	for _, e := range c.Exports {
		places = append(places, filepath.Dir(e.Path))
	}
	if c.Report.Path != "" {
		places = append(places, c.Report.Path)
	}
	need := uint64(64 << 20)
	if info, err := os.Stat(c.Store.Path); err == nil && c.Store.URL == "" {
		need = max(need, 2*uint64(info.Size()))
	}
	slices.Sort(places)
	for _, dir := range slices.Compact(places) {
		free, err := compose.FreeBytes(dir)
		text := fmt.Sprintf("%s has %.1f GB free", dir, float64(free)/1e9)
		switch {
		case err != nil: // the folder is missing, which was told
		case free < 16<<20:
			d.note("disk", "fail", text+": the next write may fail")
		case free < need && dir == filepath.Dir(c.Store.Path):
			d.note("disk", "warn", text+": a backup or vacuum needs the size of the database, twice")
		default:
			d.note("disk", "ok", text)
		}
	}
}

// permissions looks at who may read what names people or holds secrets.
func (d *doctor) permissions(c *config.Config) {
	d.all("permissions", "warn", "nobody else reads the database or the passwords", exposed(c)...)
}

// exposed says which files everybody on this machine can read or change, and
// should not.
func exposed(c *config.Config) (open []string) {
	see := func(path, what string) {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o007 != 0 {
			open = append(open, fmt.Sprintf("%s can be read by everybody (%s): chmod o= %s", path, what, path))
		}
	}
	if info, err := os.Stat(filepath.Dir(c.Store.Path)); err != nil || info.Mode().Perm()&0o001 != 0 {
		see(c.Store.Path, "it names recipients") // else nobody gets that far
	}
	for i := range c.Mailboxes {
		secrets := c.Mailboxes[i].Secrets()
		for _, key := range slices.Sorted(maps.Keys(secrets)) {
			if path, ok := strings.CutPrefix(secrets[key].Reference(), "file:"); ok {
				see(path, "it holds a secret")
			}
		}
	}
	if info, err := os.Stat(c.File); err == nil && info.Mode().Perm()&0o002 != 0 {
		open = append(open, c.File+" can be changed by everybody: chmod o-w "+c.File)
	}
	return open
}
