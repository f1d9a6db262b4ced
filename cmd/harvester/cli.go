package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"harvester/cmd/harvester/config"
	"harvester/parse/nearest"
)

// The rules of this terminal's interface: what was asked for goes to standard
// output, everything else to standard error behind "harvester:", with a
// "hint:" where there is something to do. Colours only on a terminal, and not
// with NO_COLOR. What is printed into a pipe is for scripts.

// stdio is what a command reads from and writes to.
type stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// app is what the subcommands share.
type app struct {
	stdio
	configFlag string
}

// run runs one command line and returns its exit status.
func run(ctx context.Context, args []string, io stdio) (status int) {
	a := &app{stdio: io}
	a.In = &interruptible{ctx: ctx, r: io.In}
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(a.Err, "harvester: internal error: %v\n%s", p, debug.Stack())
			status = exitSoftware
		}
	}()
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = fail(exitInterrupted, errors.New("interrupted"), "")
	}
	a.printError(err)
	return statusOf(err)
}

// printError writes the error, one line for each where it holds several, and
// what to do.
func (a *app) printError(err error) {
	if err.Error() != "" {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			fmt.Fprintf(a.Err, "harvester: %s\n", line)
		}
	}
	if hint := hintFor(err); hint != "" {
		fmt.Fprintf(a.Err, "hint: %s\n", hint)
	}
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "harvester",
		Short: "Read bounce mailboxes, decide who must not be mailed again",
		Long: `harvester reads the mailbox that failures come back to, understands every
message, decides which addresses must not be mailed again and which failures
are your own to mend, publishes a suppression list for your senders and writes
a daily report.`,
		Example:           "  harvester demo\n  harvester parse --why bounce.eml\n  harvester once --config harvester.toml",
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		Args:              cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.PersistentFlags().StringVarP(&a.configFlag, "config", "c", "", "configuration `file` (default: see harvester config check --help)")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.AddGroup(
		&cobra.Group{ID: "try", Title: "Understand mail:"},
		&cobra.Group{ID: "work", Title: "Harvest:"},
		&cobra.Group{ID: "list", Title: "Decide and explain:"},
		&cobra.Group{ID: "setup", Title: "Set up:"},
	)
	group := func(id string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = id
			root.AddCommand(c)
		}
	}
	addCommands(a, group)
	root.SetHelpCommand(&cobra.Command{Hidden: true, Use: "no-help"})
	setHelp(root)
	exits(root, exitOK, "the help was printed", exitUsage, "the command line is wrong")
	return root
}

// addCommands is the list of all subcommands.
func addCommands(a *app, group func(id string, commands ...*cobra.Command)) {
	group("try", newDemo(a), newParse(a), newClassify(a), newSimulate(a))
	group("work", newRun(a), newOnce(a), newImport(a), newExport(a), newPush(a), newReport(a), newStatus(a),
		newPause(a), newPauseCheck(a), newVolume(a), newLedger(a), newAlarm(a))
	group("list", newLookup(a), newExplain(a), newSuppress(a), newIncidents(a), newDiagnose(a), newHolds(a), newOptOuts(a), newTriage(a), newProof(a), newAck(a), newPolicy(a), newReplay(a), newReclassify(a), newForget(a), newRetention(a), newRules(a))
	group("setup", newInit(a), newConfig(a), newAuth(a), newVERP(a), newDoctor(a), newBackup(a), newRestore(a), newMigrate(a), newVacuum(a),
		newVersion(a), newCompletion(a), newMan(a))
}

func unknownCommand(cmd *cobra.Command, name string) error {
	hint := fmt.Sprintf("%s --help lists the commands", cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		hint = fmt.Sprintf("did you mean %q?", near[0])
	}
	return fail(exitUsage, fmt.Errorf("unknown command %q", strings.TrimSpace(strings.TrimPrefix(cmd.CommandPath()+" "+name, "harvester "))), hint)
}

// parent is a command that only has subcommands.
func parent(cmd *cobra.Command, children ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		return cmd.Help()
	}
	cmd.AddCommand(children...)
	exits(cmd, exitOK, "the help was printed", exitUsage, "the command line is wrong")
	return cmd
}

// flagError explains a flag that is not there or has a wrong value.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	hint := fmt.Sprintf("%s --help lists the flags", cmd.CommandPath())
	if errors.As(err, &unknown) {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := nearest.Name(unknown.GetSpecifiedName(), names); near != "" {
			hint = fmt.Sprintf("did you mean --%s?", near)
		}
	}
	return fail(exitUsage, err, hint)
}

// first is the first argument, "" where there is none.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// args checks the number of arguments; most is -1 for no limit.
func args(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch n := len(args); {
		case n < least:
			return fail(exitUsage, errors.New("an argument is missing"), "usage: "+cmd.UseLine())
		case most >= 0 && n > most:
			return fail(exitUsage, fmt.Errorf("unexpected argument %q", args[most]), "usage: "+cmd.UseLine())
		}
		return nil
	}
}

// findConfig says which configuration to read.
func (a *app) findConfig() (string, error) {
	path, err := config.Find(a.configFlag, os.Getenv)
	if errors.Is(err, config.ErrNoFile) {
		return "", fail(exitConfig, err, "harvester config example > harvester.toml, then change what is yours")
	}
	return path, err
}

// loadConfig reads the configuration; every error in it is shown.
func (a *app) loadConfig() (*config.Config, error) {
	path, err := a.findConfig()
	if err != nil {
		return nil, err
	}
	c, err := config.Load(path)
	var wrong config.Errors
	if err != nil && !errors.As(err, &wrong) {
		err = fail(exitConfig, err, "--config FILE names another configuration")
	}
	return c, err
}

// buffered collects a command's output, so that nothing half-written appears.
func (a *app) buffered(write func(w *bytes.Buffer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	_, err := a.Out.Write(b.Bytes())
	return err
}
