package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/config"
	"harvester/parse/nearest"
	"harvester/store/policy"
)

func newPolicy(a *app) *cobra.Command {
	return parent(&cobra.Command{
		Use:     "policy",
		Short:   "Show what evidence suppresses an address, and for how long",
		Example: "  harvester policy show",
	}, newPolicyShow(a))
}

func newPolicyShow(a *app) *cobra.Command {
	var asJSON bool
	var stream string
	cmd := &cobra.Command{
		Use:   "show [LINE]",
		Short: "Print the policy lines with the place that each comes from",
		Long: `Prints every line of the policy, or LINE with its finer ones: after how many
failures an address is suppressed, for how long, for which streams, the least
proof that the failed mail was yours, and where that was decided: built in, or
file and line of the configuration. Without a configuration the built-in policy
is shown.`,
		Example: "  harvester policy show\n  harvester policy show user_unknown --json\n  harvester policy show --stream newsletter",
		Args:    args(0, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			var table policy.Table
			var streams []string
			switch c, err := a.loadConfig(); {
			case err == nil:
				table, streams = c.Table, c.StreamNames()
			case !errors.Is(err, config.ErrNoFile):
				return err
			}
			if stream != "" && !slices.Contains(streams, stream) {
				return noSuchStream(stream, streams)
			}
			enc, p := json.NewEncoder(a.Out), &page{w: a.Out}
			if !asJSON {
				p.policyLine("LINE", "DOES", "PROOF", "ORIGIN")
			}
			var names []string
			shown := 0
			for _, l := range table.Lines(stream) {
				names = append(names, l.Name)
				if len(args) > 0 && l.Name != args[0] && !strings.HasPrefix(l.Name, args[0]+".") {
					continue
				}
				shown++
				if !asJSON {
					p.policyLine(l.Name, strings.TrimPrefix(l.String(), l.Name+": "), l.Proof.String(), filepath.Base(l.Origin))
				} else if err := enc.Encode(l); err != nil {
					return err
				}
			}
			if shown == 0 {
				hint := "harvester policy show lists them all"
				if near := nearest.Name(args[0], names); near != "" {
					hint = fmt.Sprintf("did you mean %q?", near)
				}
				return fail(exitUsage, fmt.Errorf("there is no policy line %q", args[0]), hint)
			}
			return p.err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().StringVar(&stream, "stream", "", "as it holds for this `stream`")
	exits(cmd, exitOK, "the policy was printed", exitUsage, "there is no such line or stream", exitConfig, "the configuration is wrong")
	return cmd
}

// policyLine writes one row: what it does goes on below where it is long.
func (p *page) policyLine(name, does, proof, origin string) {
	const width = 25
	for i, part := range strings.Split(wrap(does, width, 0), "\n") {
		if i == 0 {
			p.line("%-23s  %-*s  %-8s  %s", name, width, part, proof, origin)
		} else {
			p.line("%-23s  %s", "", part)
		}
	}
}

// noSuchStream says that a stream is not configured.
func noSuchStream(name string, streams []string) error {
	hint := "a stream is a [stream.NAME] of the configuration; none is there"
	if near := nearest.Name(name, streams); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	} else if len(streams) > 0 {
		hint = "one of " + strings.Join(streams, ", ")
	}
	return fail(exitUsage, fmt.Errorf("there is no stream %q", name), hint)
}
