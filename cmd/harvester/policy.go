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

type policyOptions struct {
	json   bool
	stream string
}

func newPolicyShow(a *app) *cobra.Command {
	var o policyOptions
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
			return a.policy(first(args), o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object a line")
	cmd.Flags().StringVar(&o.stream, "stream", "", "as it holds for this `stream`")
	exits(cmd, exitOK, "the policy was printed", exitUsage, "there is no such line or stream", exitConfig, "the configuration is wrong")
	return cmd
}

// policy prints the lines of the policy, or one with its finer ones.
func (a *app) policy(line string, o policyOptions) error {
	var table policy.Table
	var streams []string
	switch c, err := a.loadConfig(); {
	case err == nil:
		table, streams = c.Table, c.StreamNames()
	case !errors.Is(err, config.ErrNoFile):
		return err
	}
	if o.stream != "" && !slices.Contains(streams, o.stream) {
		return noSuchStream(o.stream, streams)
	}
	enc, p := json.NewEncoder(a.Out), &page{w: a.Out}
	if !o.json {
		p.policyLine("LINE", "DOES", "PROOF", "ORIGIN")
	}
	var names []string
	shown := 0
	for _, l := range table.Lines(o.stream) {
		names = append(names, l.Name)
		if line != "" && l.Name != line && !strings.HasPrefix(l.Name, line+".") {
			continue
		}
		shown++
		if !o.json {
			p.policyLine(l.Name, strings.TrimPrefix(l.String(), l.Name+": "), l.Proof.String(), filepath.Base(l.Origin))
		} else if err := enc.Encode(l); err != nil {
			return err
		}
	}
	if shown == 0 {
		hint := "harvester policy show lists them all"
		if near := nearest.Name(line, names); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		return fail(exitUsage, fmt.Errorf("there is no policy line %q", line), hint)
	}
	return p.err
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
