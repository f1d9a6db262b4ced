package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/parse/count"
	"harvester/store/policy"
	"harvester/store/query"
)

func newSuppressList(a *app) *cobra.Command {
	var asJSON, acts, imports bool
	var f query.Filter
	var since, proof string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List what must not be mailed, or the operator's acts and imports",
		Example: "  harvester suppress list --domain example.net\n  harvester suppress list --proof returned\n  harvester suppress list --json | jq -r .address",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				switch {
				case acts:
					return a.listActs(cmd.Context(), set, asJSON)
				case imports:
					return a.listImports(cmd.Context(), set, asJSON)
				}
				var from time.Time
				if since != "" {
					day, err := dayOf(since, set.Config.Timezone.Location())
					if err != nil {
						return err
					}
					y, m, d := day.Date()
					from = time.Date(y, m, d, 0, 0, 0, 0, day.Location())
				}
				if proof != "" {
					var p policy.Proof
					if err := p.UnmarshalText([]byte(proof)); err != nil {
						return fail(exitUsage, err, "")
					}
					f.Proofs = []policy.Proof{p}
				}
				return a.listSuppressions(cmd.Context(), set, f, from, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().BoolVar(&acts, "acts", false, "list the operator's acts instead")
	cmd.Flags().BoolVar(&imports, "imports", false, "list the lists of other systems that were imported instead")
	cmd.Flags().BoolVar(&f.Held, "held", false, "with those that are held back")
	cmd.Flags().StringVar(&since, "since", "", "only what came onto it on this `day` or later")
	cmd.Flags().StringVar(&f.Domain, "domain", "", "only of this `domain`")
	cmd.Flags().StringVar(&f.Source, "source", "", "only of this `source`: bounce, complaint, unsubscribe or operator")
	cmd.Flags().StringVar(&proof, "proof", "", "only what rests on a notice of this `level` of proof: returned, authentic, ledger or signed")
	exits(cmd, exitOK, "the list was printed", exitUsage, "the command line is wrong", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

func (a *app) listSuppressions(ctx context.Context, set *compose.Set, f query.Filter, from time.Time, asJSON bool) error {
	out := bufio.NewWriter(a.Out)
	enc, p := json.NewEncoder(out), &page{w: out, zone: set.Config.Timezone.Location()}
	const row = "%-10s  %-10s  %-20s  %s" // the address last: it may be long
	first := true
	for s, err := range set.DB.List.Suppressions(ctx, f) {
		switch {
		case err != nil:
			return errors.Join(out.Flush(), err)
		case s.Since.Before(from):
			continue
		case asJSON:
			p.err = errors.Join(p.err, enc.Encode(s))
			continue
		case first:
			p.line(row, "SINCE", "EXPIRES", "REASON", "ADDRESS")
			first = false
		}
		reason := s.Reason
		if s.State == policy.HeldBack {
			reason += " (held)"
		}
		p.line(row, p.day(s.Since), p.expiry(s.Expires), reason, printable(s.Address))
	}
	return errors.Join(p.err, out.Flush())
}

func (a *app) listActs(ctx context.Context, set *compose.Set, asJSON bool) error {
	acts, err := set.DB.Acts.Overrides(ctx)
	if err != nil {
		return err
	}
	enc, p := json.NewEncoder(a.Out), &page{w: a.Out, zone: set.Config.Timezone.Location()}
	const row = "%5v  %-16s  %-16s  %s" // the pattern last: it may be long
	if !asJSON && len(acts) > 0 {
		p.line(row, "ACT", "WHEN", "WHAT", "PATTERN")
	}
	for _, o := range acts {
		if asJSON {
			if err := enc.Encode(o); err != nil {
				return err
			}
			continue
		}
		what := o.Act.String()
		if o.Act == policy.Undo {
			what = fmt.Sprintf("undo %d", o.Target)
		}
		if o.Undone {
			what += " (undone)"
		}
		p.line(row, o.ID, p.stamp(o.At), what, printable(o.Pattern))
		p.line("%7s%s", "", wrap(printable(fmt.Sprintf("%s: %s", o.Author, o.Reason)), 80-7, 7))
	}
	return p.err
}

func (a *app) listImports(ctx context.Context, set *compose.Set, asJSON bool) error {
	imports, err := set.DB.Acts.Imports(ctx)
	if err != nil {
		return err
	}
	enc, p := json.NewEncoder(a.Out), &page{w: a.Out, zone: set.Config.Timezone.Location()}
	const row = "%-10v  %-16s  %-20s  %9v  %s" // the name last: it may be long
	if !asJSON && len(imports) > 0 {
		p.line(row, "IMPORT", "WHEN", "FORM", "ENTRIES", "FILE")
	}
	for _, i := range imports {
		if asJSON {
			if err := enc.Encode(i); err != nil {
				return err
			}
			continue
		}
		name := printable(i.Name)
		switch {
		case !i.Undone.IsZero() && i.Rows > 0:
			name += " (taken back in part: repeat the undo)"
		case !i.Undone.IsZero():
			name += " (taken back)"
		}
		p.line(row, fmt.Sprint(importPrefix, i.ID), p.stamp(i.At), i.Form, count.Number(i.Rows), name)
		p.line("%12s%s", "", wrap(printable(fmt.Sprintf("%s: %s", i.Author, i.Reason)), 80-12, 12))
	}
	return p.err
}
