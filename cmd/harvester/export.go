package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	"harvester/store/export"
	"harvester/store/facts"
)

func newExport(a *app) *cobra.Command {
	var asJSON bool
	var profile string
	cmd := &cobra.Command{
		Use:   "export [NAME...]",
		Short: "Write the suppression files now, or print the list",
		Long: `Brings the configured exports up to date, all or those called NAME, whatever
their schedule says. A file is replaced as a whole, and only when its content
changes. With --print PROFILE the list goes to standard output instead.`,
		Example: "  harvester export\n  harvester export --print email | wc -l\n  harvester export profiles",
		Args:    args(0, -1),
		RunE: func(cmd *cobra.Command, names []string) error {
			ctx := cmd.Context()
			if profile != "" {
				return a.with(ctx, true, func(set *compose.Set) error { return a.printExport(ctx, set, profile) })
			}
			return a.with(ctx, false, func(set *compose.Set) error { return a.writeExports(ctx, set, names, asJSON) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line for each export")
	cmd.Flags().StringVar(&profile, "print", "", "print the list in this `profile`, write no file")
	cmd.AddCommand(newExportProfiles(a), newExportAck(a), newExportVerify(a))
	exits(cmd, exitOK, "every file is up to date", exitUsage, "the command line is wrong, or there is no such export",
		exitNoInput, "there is no database yet", exitCantCreate, "a file can't be written; the previous one stands",
		exitIO, "disk full, or the database is damaged", exitConfig, "the configuration is wrong")
	return cmd
}

func newExportAck(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ack NAME...",
		Short: "Note that a reader has taken in the latest file",
		Long: `Notes that the reader of an export has taken in its latest file. From then on, an
export with delta = true also writes NAME.add and NAME.remove files that hold
what changed since.`,
		Example: "  harvester export ack newsletter",
		Args:    args(1, -1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.with(cmd.Context(), false, func(set *compose.Set) error {
				for _, n := range names {
					marks, err := set.DB.Exports.AckExport(cmd.Context(), n)
					if errors.Is(err, engine.ErrNotFound) {
						return fail(exitUsage, err, "harvester export writes it")
					}
					if err != nil {
						return err
					}
					if asJSON {
						err = json.NewEncoder(a.Out).Encode(struct {
							Name string `json:"name"`
							facts.ExportMarks
						}{n, marks})
					} else {
						_, err = fmt.Fprintf(a.Out, "%s: generation %d acknowledged\n", n, marks.AckedGeneration)
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "it is noted", exitUsage, "the command line is wrong, or nothing was published under that name",
		exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

func newExportVerify(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify [NAME...]",
		Short: "Compare published files with their manifests and the database",
		Long: `Reads the files of the configured exports, all or those called NAME, by the rules
of their readers, and says where they differ from their manifests or from what
the database holds now.`,
		Example: "  harvester export verify",
		Args:    args(0, -1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error { return a.verifyExports(cmd.Context(), set, names, asJSON) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	exits(cmd, exitOK, "every file is what it should be", exitUsage, "the command line is wrong, or there is no such export",
		exitData, "a file differs", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

// verified is what `export verify --json` prints, one a line.
type verified struct {
	Name     string   `json:"name"`
	Problems []string `json:"problems"` // none: the file is as it should be
}

func (a *app) verifyExports(ctx context.Context, set *compose.Set, names []string, asJSON bool) error {
	for _, n := range names {
		if !slices.ContainsFunc(set.Config.Exports, func(e config.Export) bool { return string(e.Name) == n }) {
			return fail(exitUsage, fmt.Errorf("there is no export called %q", n), "they are named in "+set.Config.File)
		}
	}
	differ := false
	for i := range set.Config.Exports {
		e := &set.Config.Exports[i]
		if len(names) > 0 && !slices.Contains(names, string(e.Name)) {
			continue
		}
		problems, err := set.Verify(ctx, e)
		if err != nil {
			return err
		}
		differ = differ || len(problems) > 0
		if asJSON {
			if err := json.NewEncoder(a.Out).Encode(verified{string(e.Name), append([]string{}, problems...)}); err != nil {
				return err
			}
			continue
		}
		if len(problems) == 0 {
			problems = []string{"as it should be"}
		}
		for _, p := range problems {
			if _, err := fmt.Fprintf(a.Out, "%s: %s\n", e.Name, p); err != nil {
				return err
			}
		}
	}
	if differ {
		return fail(exitData, errors.New("a published file is not what it should be"), "harvester export writes it anew")
	}
	return nil
}

func (a *app) writeExports(ctx context.Context, set *compose.Set, names []string, asJSON bool) error {
	if len(set.Config.Exports) == 0 {
		return fail(exitConfig, fmt.Errorf("%s: no export is configured", set.Config.File), "add an [[export]]; harvester config example shows one")
	}
	for _, n := range names {
		if !slices.ContainsFunc(set.Config.Exports, func(e config.Export) bool { return string(e.Name) == n }) {
			return fail(exitUsage, fmt.Errorf("there is no export called %q", n), "they are named in "+set.Config.File)
		}
	}
	enc, status := json.NewEncoder(a.Out), exitOK
	for i := range set.Config.Exports {
		e := &set.Config.Exports[i]
		if len(names) > 0 && !slices.Contains(names, string(e.Name)) {
			continue
		}
		out, err := set.Export(ctx, e)
		switch {
		case err != nil:
			a.printError(err)
			status = max(status, fileStatus(err))
		case asJSON:
			if err := enc.Encode(out); err != nil {
				return err
			}
		default:
			fmt.Fprintf(a.Out, "%s: %s, %s\n", out.Name, out.Path, out)
		}
	}
	if status != exitOK {
		return fail(status, errors.New(""), "")
	}
	return nil
}

// printExport writes the list in a profile to a temporary place, where it is
// checked as every export is, and copies it to standard output.
func (a *app) printExport(ctx context.Context, set *compose.Set, name string) error {
	profile, err := export.Lookup(name)
	if err != nil {
		return fail(exitUsage, err, "harvester export profiles describes them")
	}
	dir, err := os.MkdirTemp("", "harvester-export-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	to := export.Target{Name: profile.Name, Path: filepath.Join(dir, "list"), Profile: profile, Rules: set.RulesVersion(), Now: time.Now()}
	res, err := export.Write(ctx, set.DB.List.Suppressions(ctx, to.Reading()), to)
	if err != nil {
		return err
	}
	for _, path := range res.Files {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(a.Out, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

func newExportProfiles(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "profiles [NAME...]",
		Short:   "List the forms of file that can be written, or describe some",
		Example: "  harvester export profiles\n  harvester export profiles ses postfix-access",
		Args:    args(0, -1),
		RunE:    func(_ *cobra.Command, names []string) error { return a.exportProfiles(names, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line for each, with all that is known")
	exits(cmd, exitOK, "the profiles were printed", exitUsage, "there is no such profile")
	return cmd
}

// exportProfiles lists all profiles, a line each, or describes some in full.
func (a *app) exportProfiles(names []string, asJSON bool) error {
	profiles := export.Profiles()
	if len(names) > 0 {
		profiles = nil
	}
	for _, n := range names {
		p, err := export.Lookup(n)
		if err != nil {
			return fail(exitUsage, err, "")
		}
		profiles = append(profiles, p)
	}
	enc := json.NewEncoder(a.Out)
	for _, p := range profiles {
		switch {
		case asJSON:
			if err := enc.Encode(p); err != nil {
				return err
			}
		case len(names) == 0:
			fmt.Fprintf(a.Out, "%-21s %s\n", p.Name, firstSentence(p.For, 57))
		default:
			a.describe(p.Name, p.For, [][2]string{{"layout", p.Shape}, {"limits", limits(&p)}, {"import", p.Import}, {"removal", p.Removal}, {"evidence", p.Evidence}, {"verified", verifiedBy(p.Verified)}}, p.Loses)
		}
	}
	if len(names) == 0 && !asJSON {
		fmt.Fprintln(a.Out, "\nharvester export profiles NAME says how to import it and what it loses.")
	}
	return nil
}

// firstSentence cuts a text to one line of a width, at a word.
func firstSentence(text string, width int) string {
	if len(text) <= width {
		return text
	}
	cut := strings.LastIndexAny(text[:width-1], " ,;(")
	return strings.TrimRight(text[:max(cut, 1)], " ,;(") + " …"
}

// verifiedBy names the programs that read a file of a profile in a test.
func verifiedBy(list []export.Verified) string {
	var parts []string
	for _, v := range list {
		parts = append(parts, fmt.Sprintf("by %s %s on %s", v.Program, v.Version, v.Date))
	}
	return strings.Join(parts, ", ")
}

// limits says how much a file of a profile takes; more goes to further parts.
func limits(p *export.Profile) string {
	var parts []string
	if p.MaxRows > 0 {
		parts = append(parts, fmt.Sprintf("%s a file", count.Of(p.MaxRows, "address")))
	}
	if p.MaxBytes > 0 {
		parts = append(parts, fmt.Sprintf("%d bytes a file", p.MaxBytes))
	}
	if parts == nil {
		return ""
	}
	return strings.Join(parts, ", ") + "; more goes to further parts (NAME-0002)"
}

// describe prints what a profile or a service is, with its fields and what it
// loses.
func (a *app) describe(name, purpose string, fields [][2]string, loses []string) {
	fmt.Fprintf(a.Out, "%s: %s\n", name, wrap(purpose, 78-len(name), 2))
	for _, l := range loses {
		fields = append(fields, [2]string{"loses", l})
	}
	for _, f := range fields {
		if f[1] != "" {
			fmt.Fprintf(a.Out, "  %-9s %s\n", f[0], wrap(f[1], 66, 12))
		}
	}
	fmt.Fprintln(a.Out)
}
