package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/notices"
)

// version is set by the linker for a release; otherwise the module's or "dev".
var version string

// build is what `version --json` prints.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Date     string `json:"date"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func readBuild() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if ok && b.Version == "" && info.Main.Version != "(devel)" {
		b.Version = info.Main.Version
	}
	if b.Version == "" {
		b.Version = "dev"
	}
	if ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Date = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	return b
}

func newVersion(a *app) *cobra.Command {
	var asJSON, licenses bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print version, commit and date",
		Example: "  harvester version --json",
		Args:    args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if licenses {
				_, err := io.WriteString(a.Out, notices.Text)
				return err
			}
			b := readBuild()
			if asJSON {
				return json.NewEncoder(a.Out).Encode(b)
			}
			fmt.Fprintf(a.Out, "harvester %s", b.Version)
			if b.Commit != "" {
				fmt.Fprintf(a.Out, " (%.12s, %s)", b.Commit, b.Date)
			}
			_, err := fmt.Fprintf(a.Out, " %s %s\n", b.Go, b.Platform)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&licenses, "licenses", false, "print the licences of what the program is made of")
	cmd.MarkFlagsMutuallyExclusive("json", "licenses")
	exits(cmd, exitOK, "the version was printed")
	return cmd
}
