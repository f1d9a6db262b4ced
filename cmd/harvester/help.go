package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const exitKey = "exit"

// exits documents the exit statuses of a command: pairs of status and meaning.
func exits(cmd *cobra.Command, pairs ...any) {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, "  %3d  %s\n", pairs[i], pairs[i+1])
	}
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[exitKey] = b.String()
}

const helpTemplate = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}

{{end}}USAGE
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND{{else}}{{.UseLine}}{{end}}
{{if .HasExample}}
EXAMPLES
{{.Example}}
{{end}}{{if .HasAvailableSubCommands}}{{$cmds := .Commands}}{{if .Groups}}{{range $g := .Groups}}
{{.Title}}
{{range $cmds}}{{if and (eq .GroupID $g.ID) .IsAvailableCommand}}  {{rpad .Name 12}} {{.Short}}
{{end}}{{end}}{{end}}{{else}}
COMMANDS
{{range $cmds}}{{if .IsAvailableCommand}}  {{rpad .Name 12}} {{.Short}}
{{end}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}
FLAGS
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}
{{end}}{{if and .HasParent .HasAvailableInheritedFlags}}
GLOBAL FLAGS
{{.InheritedFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}
{{end}}{{with index .Annotations "exit"}}
EXIT STATUS
{{.}}{{end}}`

// setHelp gives every command the same form of help, 80 columns wide.
func setHelp(root *cobra.Command) {
	eachCommand(root, func(c *cobra.Command) { c.Long = fill(c.Long) })
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(helpTemplate)
}

// eachCommand walks the tree of commands.
func eachCommand(c *cobra.Command, see func(*cobra.Command)) {
	see(c)
	for _, child := range c.Commands() {
		eachCommand(child, see)
	}
}

// fill sets the paragraphs of a help text anew; those with indented lines stay
// as they are.
func fill(text string) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		if !strings.HasPrefix(p, " ") && !strings.Contains(p, "\n ") {
			paragraphs[i] = wrap(p, 79, 0)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}
