package main

import (
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
		newSuppressImport(a),
		newSuppressUndo(a),
		newSuppressList(a),
	)
}

type actOptions struct {
	json          bool
	reason, until string
}

func newSuppressAct(a *app, act policy.Act, name, short string) *cobra.Command {
	var o actOptions
	cmd := &cobra.Command{
		Use:   name + " ADDRESS...",
		Short: short,
		Long: short + `.

ADDRESS is an address, "@domain" or "@*.domain". Acts are kept with their reason
and author, and "harvester explain" shows them.`,
		Example: fmt.Sprintf("  harvester suppress %s jane@example.net --reason 'asked by phone'", name),
		Args:    args(1, -1),
		RunE: func(cmd *cobra.Command, patterns []string) error {
			return a.act(cmd.Context(), act, patterns, o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object a line")
	cmd.Flags().StringVarP(&o.reason, "reason", "r", "", "why (required)")
	cmd.Flags().StringVar(&o.until, "until", "", "`day` on which it ends, YYYY-MM-DD (default: never)")
	exits(cmd, exitOK, "the act is recorded and applied", exitUsage, "the command line or the pattern is wrong",
		exitCantCreate, "the database can't be written", exitConfig, "the configuration is wrong")
	return cmd
}

// act records what the operator decides about addresses and domains.
func (a *app) act(ctx context.Context, act policy.Act, patterns []string, o actOptions) error {
	if o.reason == "" {
		return fail(exitUsage, fmt.Errorf("a reason is missing"), "--reason 'why', for those who ask later")
	}
	return a.with(ctx, false, func(set *compose.Set) error {
		override := policy.Override{Act: act, Reason: o.reason, Author: author()}
		if o.until != "" {
			day, err := dayOf(o.until, set.Config.Timezone.Location())
			if err != nil {
				return err
			}
			if !day.After(time.Now()) {
				return fail(exitUsage, fmt.Errorf("--until %s is past", o.until), "name a day to come")
			}
			override.Until = day
		}
		for _, pattern := range patterns {
			if override.Pattern = pattern; act == policy.Remove {
				if err := a.warnOfUnlisted(ctx, set, pattern); err != nil {
					return err
				}
			}
			done, err := set.DB.Judge.Override(ctx, override)
			if err != nil {
				return fail(cmp.Or(statusUnless(err, exitSoftware), exitUsage), err, "")
			}
			if err := a.printAct(done, o.json); err != nil {
				return err
			}
			if err := a.warnOfDomain(ctx, set, done); err != nil {
				return err
			}
		}
		return nil
	})
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

// warnOfUnlisted says that there is nothing to remove, before it is recorded all
// the same: failures up to now count no more.
func (a *app) warnOfUnlisted(ctx context.Context, set *compose.Set, address string) error {
	if !policy.IsAddress(address) {
		return nil // a domain, or what is refused in a moment
	}
	found, err := set.DB.List.Lookup(ctx, address)
	if err == nil && len(found) == 0 {
		fmt.Fprintf(a.Err, "harvester: %s is not on the list: there is nothing to lift; what failed before now counts no more\n", printable(address))
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
		Use:   "undo ACT|import:N",
		Short: "Take back an act, or a whole import, by its number",
		Long: `Takes back what an operator decided, as if it had never been: what came in since
is decided anew without it. An import is taken back in steps, and can be taken up
again where that was interrupted.`,
		Example: "  harvester suppress list --acts\n  harvester suppress undo 3 --reason 'wrong address'\n  harvester suppress undo import:2 --reason 'wrong file'",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			number, whole := strings.CutPrefix(args[0], importPrefix)
			id, err := strconv.ParseInt(number, 10, 64)
			if err != nil {
				return fail(exitUsage, fmt.Errorf("%q is no number of an act", args[0]), "harvester suppress list --acts shows the acts, --imports the imports")
			}
			if reason == "" {
				return fail(exitUsage, errors.New("a reason is missing"), "--reason 'why', for those who ask later")
			}
			return a.with(cmd.Context(), false, func(set *compose.Set) error {
				if whole {
					return a.undoImport(cmd.Context(), set, id, reason, asJSON)
				}
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
	exits(cmd, exitOK, "the act is taken back", exitUsage, "there is no such act", exitCantCreate, "the database can't be written", exitConfig, "the configuration is wrong")
	return cmd
}

// importPrefix stands before the number of an import.
const importPrefix = "import:"
