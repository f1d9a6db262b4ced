package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/parse/rules"
	"harvester/parse/table"
	"harvester/store/engine"
	"harvester/store/facts"
	"harvester/store/foreign"
	"harvester/store/judge"
	"harvester/store/policy"
)

// listImport is one run of suppress import.
type listImport struct {
	path, stream, reason string
	kind                 foreign.Kind
	skipBad, dry, json   bool
}

func newSuppressImport(a *app) *cobra.Command {
	var o listImport
	var kind string
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Take over the suppression list of another system",
		Long: `Reads what another system exports: SES, SendGrid, Mailgun, Postmark, SparkPost,
Brevo, Mailchimp, Mandrill, listmonk, Mautic, every profile of "harvester
export" that holds addresses, and any table with a column of addresses and one
that says what they did. The form is known by its columns; commas, semicolons
and tabs, UTF-8 and UTF-16, compressed files are read as they are.

Kind, reason and date are kept, and an entry has its place in the history at its
date: what was delivered, removed or allowed after that wins. Left out are your
own and role addresses, and what was refused for a fault of yours (SPF,
reputation, content): services list that, too. A list of addresses alone needs
--kind.

When a row can't be read, nothing is imported; --skip-bad imports the others. A
list may be imported again: what is known stays. "harvester suppress undo
import:N" takes an import back. docs/migrate.md goes through a whole move.`,
		Example: "  harvester suppress import --dry-run bounces.csv\n  harvester suppress import suppression_bounces.csv --reason 'moved from SendGrid'\n" +
			"  harvester suppress import opted-out.txt --kind unsubscribe --stream newsletter",
		Args: args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.path = args[0]; kind != "" {
				if err := o.kind.UnmarshalText([]byte(kind)); err != nil {
					return fail(exitUsage, fmt.Errorf("--kind: %w", err), "")
				}
			}
			c, err := a.loadConfig()
			if err != nil {
				return err
			}
			return a.importList(cmd.Context(), c, &o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print JSON")
	f.BoolVar(&o.dry, "dry-run", false, "read and check all of it, import nothing")
	f.BoolVar(&o.skipBad, "skip-bad", false, "import what can be read, and name the rows that can't")
	f.StringVar(&kind, "kind", "", "what rows did that don't say it: bounce, soft-bounce, complaint, unsubscribe, manual")
	f.StringVar(&o.stream, "stream", "", "the `stream` of mail that opt-outs of the list are from (default: all mail)")
	f.StringVarP(&o.reason, "reason", "r", "", "why, for those who ask later (default: the name of the file)")
	exits(cmd, exitOK, "the list is imported", exitUsage, "the command line is wrong", exitData, "the list can't be read, or a row of it: nothing is imported",
		exitNoInput, "FILE does not exist or is not readable", exitCantCreate, "the database can't be written",
		exitIO, "disk full, or the database is damaged", exitTempFail, "the database is locked", exitConfig, "the configuration is wrong", exitInterrupted, "interrupted; repeat it")
	return cmd
}

// listed sums up what a list holds.
type listed struct {
	File    string         `json:"file"`
	Form    string         `json:"form"`
	Rows    int            `json:"rows"`
	Kinds   map[string]int `json:"kinds"`   // entries for the list, by what they say
	Left    map[string]int `json:"left"`    // understood, and not for the list: why
	Refused int            `json:"refused"` // not understood
	Errors  []string       `json:"errors"`  // of the first rows that were refused

	Import    int64 `json:"import,omitempty"` // its number
	New       int   `json:"new"`              // entries that were not known
	Added     int   `json:"added"`            // addresses that came onto the list
	Forgotten int   `json:"forgotten"`        // entries of addresses that were erased
	DryRun    bool  `json:"dry_run,omitempty"`
}

// mostErrors is how many refused rows are named.
const mostErrors = 20

// importList reads a list to its end, so that nothing of a broken one is stored,
// and stores what it kept of it.
func (a *app) importList(ctx context.Context, c *config.Config, o *listImport) error {
	if o.stream != "" && !slices.Contains(c.StreamNames(), o.stream) {
		return noSuchStream(o.stream, c.StreamNames())
	}
	meaning, err := compose.Rules(c.RulesDir)
	if err != nil {
		return err
	}
	in, name, err := a.spooled(o.path)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	p := a.progressOf(ctx, "rows", 2*info.Size())
	defer p.end()
	reading := &counted{File: in}
	list, err := foreign.Open(reading, foreignOptions(c, meaning, o))
	if err != nil {
		return fail(exitData, fmt.Errorf("%s: %w", name, err), "harvester suppress import --help tells what is read")
	}
	sum := &listed{File: name, Form: list.Form(), Kinds: map[string]int{}, Left: map[string]int{}, Errors: []string{}, DryRun: o.dry}
	var kept foreign.Sorter
	defer kept.Close()
	keep := kept.Add
	if o.dry {
		keep = func(*policy.Override) error { return nil }
	}
	err = sum.read(ctx, list, keep, func() { p.set(sum.Rows, reading.n) })
	p.clear()
	if err != nil {
		return fail(exitData, fmt.Errorf("%s: %w", name, err), "nothing was imported")
	}
	for _, e := range sum.Errors {
		fmt.Fprintf(a.Err, "harvester: %s: %s\n", name, printable(e))
	}
	if more := sum.Refused - len(sum.Errors); more > 0 {
		fmt.Fprintf(a.Err, "harvester: %s: %s refused\n", name, count.Of(more, "more row"))
	}
	switch {
	case sum.Refused > 0 && !o.skipBad:
		return fail(exitData, fmt.Errorf("%s: %s of %d can't be read: nothing was imported", name, count.Of(sum.Refused, "row"), sum.Rows), "mend them, or --skip-bad imports the others")
	case sum.Rows == 0:
		return fail(exitData, fmt.Errorf("%s: there is no row in it", name), "")
	case o.dry:
		return a.printListed(sum, o.json)
	}
	set, err := openSet(ctx, c, false)
	if err != nil {
		return err
	}
	defer set.Close()
	i := facts.Import{Name: filepath.Base(name), Form: sum.Form, Reason: cmp.Or(o.reason, "list of "+sum.Form+", "+filepath.Base(name)), Author: author()}
	done, err := set.DB.Judge.Import(ctx, i, kept.Entries(), func(done judge.Imported) { p.set(sum.Rows, reading.n+info.Size()*int64(done.Read)/int64(sum.Rows)) })
	p.clear()
	sum.Import, sum.New, sum.Added, sum.Forgotten = done.ID, done.New, done.Added, done.Forgotten
	if err != nil {
		if done.ID != 0 {
			err = fmt.Errorf("%w (import %d has %s: repeat the command to go on)", err, done.ID, count.Of(done.New, "entry"))
		}
		return err
	}
	return a.printListed(sum, o.json)
}

// read reads the list to its end, counts, and keeps what is for ours.
func (l *listed) read(ctx context.Context, list *foreign.List, keep func(*policy.Override) error, progress func()) error {
	for row, err := range list.Rows() {
		var broken *table.RowError
		if err != nil && !errors.As(err, &broken) {
			return err
		}
		switch l.Rows++; {
		case err != nil:
			if l.Refused++; l.Refused <= mostErrors {
				l.Errors = append(l.Errors, err.Error())
			}
		case row.Left != "":
			l.Left[row.Left]++
		default:
			e := &row.Entry.Entry
			kind := e.Source.String()
			if e.Source == policy.SourceBounce {
				kind = e.Cause.String()
			}
			l.Kinds[kind]++
			if err := keep(&row.Entry); err != nil {
				return err
			}
		}
		if l.Rows%1000 == 0 {
			if progress(); ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

func foreignOptions(c *config.Config, meaning *rules.Set, o *listImport) foreign.Options {
	type reply struct{ text, status string }
	known := map[reply]bounce.Reason{} // lists repeat a few replies
	return foreign.Options{
		Kind: o.kind, Stream: o.stream, Now: time.Now().In(c.Timezone.Location()), Own: c.Own(), Table: c.Table,
		Known: func(stream string) error { return knownStream(stream, c.StreamNames()) },
		Meaning: func(text, status string) bounce.Reason {
			r, ok := known[reply{text, status}]
			if !ok {
				r = meaning.Classify(rules.Query{Text: text, Status: status, Action: bounce.Failed}).Reason
				if len(known) < 10_000 {
					known[reply{text, status}] = r
				}
			}
			return r
		},
	}
}

func (a *app) printListed(l *listed, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(a.Out).Encode(l)
	}
	return a.buffered(func(b *bytes.Buffer) error {
		p := &page{w: b}
		p.line("%s: %s, read as %s", printable(l.File), count.Of(l.Rows, "row"), l.Form)
		for _, k := range mostFirst(l.Kinds) {
			p.line("  %7d  %s", l.Kinds[k], k)
		}
		for _, why := range mostFirst(l.Left) {
			p.line("  %7d  left out: %s", l.Left[why], wrap(printable(why), 58, 11))
		}
		if l.Refused > 0 {
			p.line("  %7d  refused, see above", l.Refused)
		}
		if l.Forgotten > 0 {
			p.line("  %7d  of addresses that were erased: they stay so", l.Forgotten)
		}
		switch {
		case l.DryRun:
			p.line("Nothing was imported: without --dry-run it would be.")
		case l.New == 0:
			p.line("Nothing is new: all of it was imported before.")
		default:
			p.line("%s came onto the list, with %s. It can be taken back:\n  harvester suppress undo import:%d --reason '...'",
				count.Of(l.Added, "address"), count.Of(l.New, "new entry"), l.Import)
		}
		return p.err
	})
}

// mostFirst are the keys with the greatest numbers first.
func mostFirst(n map[string]int) []string {
	return slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b)) })
}

// counted counts the bytes that are read of a file.
type counted struct {
	*os.File
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.File.Read(p)
	c.n += int64(n)
	return n, err
}

func (a *app) undoImport(ctx context.Context, set *compose.Set, id int64, reason string, asJSON bool) error {
	removed, err := set.DB.Judge.UndoImport(ctx, id, reason, author())
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return fail(exitUsage, err, "harvester suppress list --imports shows the imports")
	case err != nil:
		return err
	case asJSON:
		return json.NewEncoder(a.Out).Encode(map[string]int64{"import": id, "removed": int64(removed)})
	}
	_, err = fmt.Fprintf(a.Out, "import %d is taken back: %s left the list\n", id, count.Of(removed, "address"))
	return err
}
