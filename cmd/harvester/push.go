package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/parse/count"
	"harvester/store/facts"
	"harvester/store/push"
)

func newPush(a *app) *cobra.Command {
	var asJSON, dry bool
	cmd := &cobra.Command{
		Use:   "push [NAME...]",
		Short: "Tell services by HTTP what must not be mailed, now",
		Long: `Tells the services of the configuration, all or those called NAME, what came
onto the list and what left it since they were told last, whatever their
schedule says. What was told is recorded request by request: a push that fails
or is cut off goes on where it was.`,
		Example: "  harvester push --dry-run\n  harvester push newsletter",
		Args:    args(0, -1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.with(cmd.Context(), dry, func(set *compose.Set) error { return a.push(cmd.Context(), set, names, dry, asJSON) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line for each service")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say how much would be told, tell nothing")
	cmd.AddCommand(newPushServices(a), newPushRefused(a))
	exits(cmd, exitOK, "every service knows", exitUsage, "the command line is wrong, or there is no such push",
		exitNoInput, "there is no database yet", exitIO, "disk full, or the database is damaged",
		exitTempFail, "a service was not told everything, or the exports are stopped", exitConfig, "the configuration is wrong")
	return cmd
}

// pushed is what `push --json` prints of one service.
type pushed struct {
	Name    string `json:"name"`
	Service string `json:"service"`
	push.Result
	Error string `json:"error,omitempty"`
}

func (a *app) push(ctx context.Context, set *compose.Set, names []string, dry, asJSON bool) error {
	pushes, err := chosen(set.Config, names)
	if err != nil {
		return err
	}
	status := exitOK
	for _, p := range pushes {
		res, err := set.Push(ctx, p, dry)
		out := pushed{Name: string(p.Name), Service: p.Service, Result: res}
		if err != nil {
			out.Error = err.Error()
			a.printError(err)
			if s := statusOf(err); s != exitSoftware {
				status = max(status, s)
			} else {
				status = max(status, exitTempFail)
			}
		}
		text := fmt.Sprintf("%s: %s", p.Name, res)
		if dry {
			text = fmt.Sprintf("%s: would tell %d added, %d removed", p.Name, res.Added, res.Removed)
		}
		if err := a.tell(asJSON, out, text); err != nil {
			return err
		}
	}
	if status != exitOK {
		return fail(status, errors.New(""), "")
	}
	return nil
}

// chosen are the configured services, all or those that are named.
func chosen(c *config.Config, names []string) ([]*config.Push, error) {
	if len(c.Pushes) == 0 {
		return nil, fail(exitConfig, fmt.Errorf("%s: no push is configured", c.File), "add a [[push]]; harvester config example shows one")
	}
	for _, n := range names {
		if !slices.ContainsFunc(c.Pushes, func(p config.Push) bool { return string(p.Name) == n }) {
			return nil, fail(exitUsage, fmt.Errorf("there is no push called %q", n), "they are named in "+c.File)
		}
	}
	var out []*config.Push
	for i := range c.Pushes {
		if p := &c.Pushes[i]; len(names) == 0 || slices.Contains(names, string(p.Name)) {
			out = append(out, p)
		}
	}
	return out, nil
}

func newPushServices(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "services",
		Short:   "Describe the services that can be told",
		Example: "  harvester push services",
		Args:    args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			enc := json.NewEncoder(a.Out)
			for _, s := range push.Services() {
				if asJSON {
					if err := enc.Encode(s); err != nil {
						return err
					}
					continue
				}
				a.describe(s.Name, s.For, [][2]string{{"settings", s.Settings}, {"calls", fmt.Sprintf("at most %s a request, %g requests a second", count.Of(s.Batch, "address"), s.Rate)},
					{"removal", s.Removal}, {"evidence", s.Evidence}}, s.Loses)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line for each")
	exits(cmd, exitOK, "the services were printed")
	return cmd
}

func newPushRefused(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "refused [NAME...]",
		Short: "List the addresses that services do not take, and why",
		Long: `Lists the addresses that a service did not take, with its words. They are not
told again, unless their place on the list changes.`,
		Example: "  harvester push refused newsletter",
		Args:    args(0, -1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				pushes, err := chosen(set.Config, names)
				if err != nil {
					return err
				}
				for _, p := range pushes {
					refusals, err := set.DB.Pushes.PushRefusals(cmd.Context(), string(p.Name))
					if err != nil {
						return err
					}
					for _, r := range refusals {
						line := struct {
							Push string `json:"push"`
							facts.Pushed
						}{string(p.Name), r}
						if err := a.tell(asJSON, line, fmt.Sprintf("%s: %s: %s", p.Name, printable(r.Address), printable(r.Refused))); err != nil {
							return err
						}
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	exits(cmd, exitOK, "they were listed, if there are any", exitUsage, "the command line is wrong, or there is no such push",
		exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}
