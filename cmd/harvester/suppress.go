package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/store/policy"
	"harvester/store/query"
)

func newSuppress(a *app) *cobra.Command {
	return parent(&cobra.Command{
		Use:     "suppress",
		Short:   "Decide about addresses yourself, and list what is suppressed",
		Example: "  harvester suppress allow jane@example.net --reason 'called us, mailbox is back'\n  harvester suppress list",
	},
		newSuppressAct(a, policy.Add, "add", "Suppress an address or a domain"),
		newSuppressAct(a, policy.Remove, "remove", "Lift what stands now; later failures count anew"),
		newSuppressAct(a, policy.Allow, "allow", "Never suppress it, whatever arrives"),
		newSuppressUndo(a),
		newSuppressList(a),
	)
}

func newSuppressAct(a *app, act policy.Act, name, short string) *cobra.Command {
	var asJSON bool
	var reason, until string
	cmd := &cobra.Command{
		Use:   name + " ADDRESS...",
		Short: short,
		Long: short + `.

ADDRESS is an address, "@domain" or "@*.domain". Acts are kept with their reason
and author, and "harvester explain" shows them.`,
		Example: fmt.Sprintf("  harvester suppress %s jane@example.net --reason 'asked by phone'", name),
		Args:    args(1, -1),
		RunE: func(cmd *cobra.Command, patterns []string) error {
			if reason == "" {
				return fail(exitUsage, fmt.Errorf("a reason is missing"), "--reason 'why', for those who ask later")
			}
			return a.with(cmd.Context(), false, func(set *compose.Set) error {
				o := policy.Override{Act: act, Reason: reason, Author: author()}
				if until != "" {
					day, err := dayOf(until, set.Config.Timezone.Location())
					if err != nil {
						return err
					}
					if !day.After(time.Now()) {
						return fail(exitUsage, fmt.Errorf("--until %s is past", until), "name a day to come")
					}
					o.Until = day
				}
				for _, pattern := range patterns {
					o.Pattern = pattern
					done, err := set.DB.Judge.Override(cmd.Context(), o)
					if err != nil {
						return fail(cmp.Or(statusUnless(err, exitSoftware), exitUsage), err, "")
					}
					if err := a.printAct(done, asJSON); err != nil {
						return err
					}
					if err := a.warnOfDomain(cmd.Context(), set, done); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().StringVarP(&reason, "reason", "r", "", "why (required)")
	cmd.Flags().StringVar(&until, "until", "", "`day` on which it ends, YYYY-MM-DD (default: never)")
	exits(cmd, exitOK, "the act is recorded and applied", exitUsage, "the command line or the pattern is wrong",
		exitCantCreate, "the database can't be written", exitConfig, "the configuration is wrong")
	return cmd
}

func (a *app) printAct(o policy.Override, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(a.Out).Encode(o)
	}
	var err error
	if o.Act == policy.Undo {
		_, err = fmt.Fprintf(a.Out, "act %d is taken back\n", o.Target)
	} else {
		_, err = fmt.Fprintf(a.Out, "%s: %s (act %d)\n", printable(o.Pattern), o.Act, o.ID)
	}
	return err
}

// warnOfDomain says what an act on a whole domain means.
func (a *app) warnOfDomain(ctx context.Context, set *compose.Set, o policy.Override) error {
	if !strings.HasPrefix(o.Pattern, "@") {
		return nil
	}
	c, err := set.DB.Acts.Coverage(ctx, o.Pattern)
	if err != nil {
		return err
	}
	switch o.Act { // a removal lifts what stands, and no more
	case policy.Add:
		fmt.Fprintf(a.Err, "harvester: a whole domain: exports hold only those of its addresses that have failed before (%d so far)\n", c.Known)
	case policy.Allow:
		fmt.Fprintf(a.Err, "harvester: a whole domain: none of its addresses is ever suppressed, whatever they answer (%d known, %d %% of all)\n",
			c.Known, 100*c.Known/max(c.All, 1))
	}
	return nil
}

// statusUnless is the status of err, 0 when it is the one given.
func statusUnless(err error, not int) int {
	if s := statusOf(err); s != not {
		return s
	}
	return 0
}

// author is who acts: the person behind sudo, where there is one.
func author() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

func newSuppressUndo(a *app) *cobra.Command {
	var asJSON bool
	var reason string
	cmd := &cobra.Command{
		Use:     "undo ACT",
		Short:   "Take back an act by its number",
		Example: "  harvester suppress list --acts\n  harvester suppress undo 3 --reason 'wrong address'",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || reason == "" {
				return fail(exitUsage, fmt.Errorf("undo needs the number of an act and a reason"), "harvester suppress list --acts shows the numbers")
			}
			return a.with(cmd.Context(), false, func(set *compose.Set) error {
				done, err := set.DB.Judge.Override(cmd.Context(), policy.Override{Act: policy.Undo, Target: id, Reason: reason, Author: author()})
				if err != nil {
					return fail(cmp.Or(statusUnless(err, exitSoftware), exitUsage), err, "harvester suppress list --acts shows the acts")
				}
				return a.printAct(done, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVarP(&reason, "reason", "r", "", "why (required)")
	exits(cmd, exitOK, "the act is taken back", exitUsage, "there is no such act", exitConfig, "the configuration is wrong")
	return cmd
}

func newSuppressList(a *app) *cobra.Command {
	var asJSON, acts bool
	var f query.Filter
	var since string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List what must not be mailed, or the operator's acts",
		Example: "  harvester suppress list --domain example.net\n  harvester suppress list --json | jq -r .address",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				if acts {
					return a.listActs(cmd, set, asJSON)
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
				return a.listSuppressions(cmd, set, f, from, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().BoolVar(&acts, "acts", false, "list the operator's acts instead")
	cmd.Flags().BoolVar(&f.Held, "held", false, "with those that are held back")
	cmd.Flags().StringVar(&since, "since", "", "only what came onto it on this `day` or later")
	cmd.Flags().StringVar(&f.Domain, "domain", "", "only of this `domain`")
	cmd.Flags().StringVar(&f.Source, "source", "", "only of this `source`: bounce, complaint, unsubscribe or operator")
	exits(cmd, exitOK, "the list was printed", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

func (a *app) listSuppressions(cmd *cobra.Command, set *compose.Set, f query.Filter, from time.Time, asJSON bool) error {
	out := bufio.NewWriter(a.Out)
	enc, p := json.NewEncoder(out), &page{w: out, zone: set.Config.Timezone.Location()}
	const row = "%-10s  %-10s  %-20s  %s" // the address last: it may be long
	first := true
	for s, err := range set.DB.List.Suppressions(cmd.Context(), f) {
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

func (a *app) listActs(cmd *cobra.Command, set *compose.Set, asJSON bool) error {
	acts, err := set.DB.Acts.Overrides(cmd.Context())
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
