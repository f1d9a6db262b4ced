package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"harvester/cmd/harvester/config"
)

func newCompletion(a *app) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	cmd := &cobra.Command{
		Use:       "completion SHELL",
		Short:     "Print a completion script for your shell",
		Long:      "Prints a completion script for bash, zsh, fish or powershell.",
		Example:   "  harvester completion bash > /etc/bash_completion.d/harvester\n  harvester completion zsh > \"${fpath[1]}/_harvester\"",
		Args:      args(1, 1),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch root := cmd.Root(); args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.Out, true)
			case "zsh":
				return root.GenZshCompletion(a.Out)
			case "fish":
				return root.GenFishCompletion(a.Out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.Out)
			}
			return fail(exitUsage, fmt.Errorf("unknown shell %q", args[0]), "one of "+strings.Join(shells, ", "))
		},
	}
	exits(cmd, exitOK, "the script was printed", exitUsage, "unknown shell")
	return cmd
}

func newMan(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "man [DIR]",
		Short: "Write the manual pages",
		Long: `Writes a manual page for each command into DIR/man1 and harvester.toml(5) into
DIR/man5, or prints harvester(1).`,
		Example: "  harvester man | man -l -\n  harvester man /usr/local/share/man",
		Args:    args(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, source := cmd.Root(), "harvester "+readBuild().Version
			withExits(root)
			header := &doc.GenManHeader{Title: "HARVESTER", Section: "1", Source: source, Date: buildDate()}
			if len(args) == 0 {
				return doc.GenMan(root, header, a.Out)
			}
			if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
				return fail(exitCantCreate, fmt.Errorf("writing manual pages into %s: %w", args[0], orNotDir(err)), "create the folder first")
			}
			header.Title = ""
			if err := manTree(root, header, args[0]); err != nil {
				return fail(exitCantCreate, fmt.Errorf("writing manual pages: %w", err), "")
			}
			return nil
		},
	}
	exits(cmd, exitOK, "the pages were written", exitCantCreate, "DIR can't be written")
	return cmd
}

func manTree(root *cobra.Command, header *doc.GenManHeader, dir string) error {
	for _, section := range []string{"man1", "man5"} {
		if err := os.MkdirAll(filepath.Join(dir, section), 0o755); err != nil {
			return err
		}
	}
	if err := doc.GenManTree(root, header, filepath.Join(dir, "man1")); err != nil {
		return err
	}
	page := filepath.Join(dir, "man5", "harvester.toml.5")
	return os.WriteFile(page, []byte(config.Manual(header.Source)), 0o644)
}

// buildDate keeps the day of the build machine out of the pages: they are the
// same bytes each time.
func buildDate() *time.Time {
	t, err := time.Parse(time.RFC3339, readBuild().Date)
	if err != nil {
		t = time.Unix(0, 0)
	}
	return &t
}

func orNotDir(err error) error {
	if err != nil {
		return err
	}
	return errors.New("it is not a directory")
}

// withExits moves the exit statuses into the texts that manual pages show.
func withExits(cmd *cobra.Command) {
	if text := cmd.Annotations[exitKey]; text != "" {
		long := cmd.Long
		if long == "" {
			long = cmd.Short + "."
		}
		cmd.Long = long + "\n\nExit status:\n\n" + strings.ReplaceAll(text, "  ", "\t")
	}
	for _, c := range cmd.Commands() {
		withExits(c)
	}
}
