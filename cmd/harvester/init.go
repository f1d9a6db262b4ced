package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/parse/count"
	"harvester/store/export"
)

// setup is what init has to know.
type setup struct {
	output, state                string
	provider                     string
	server, tls                  string
	username, password           string
	tenant, clientID, credential string
	own, exports                 []string
	offline                      bool
}

func newInit(a *app) *cobra.Command {
	s := &setup{}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a configuration from a few answers, and check it",
		Long: `Asks for what it has to know, unless flags say it: your domains, the mailbox,
how to sign in and who imports the list. Writes a configuration that explains
every key, says what is left to do (for Microsoft and Google the steps in their
consoles) and ends with "harvester config check --online". Where the mailbox can
be opened, its newest mail is read to see whether the domains account for it.

A configuration that is there is never overwritten; only the example that came
with the package is, while nobody has changed it. The folders below --state are
made where that itself is there, or can be made beside the configuration.`,
		Example: `  harvester init
  harvester init --output /etc/harvester/harvester.toml --own example.org \
    --provider other --server imap.example.org:993 --username bounces@example.org \
    --password credential:bounces --export postfix-access`,
		Args: args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.configFlag != "" && !cmd.Flags().Changed("output") {
				s.output = a.configFlag
			}
			if err := a.init(s); err != nil {
				return err
			}
			check := newConfigCheck(a)
			check.SetContext(cmd.Context())
			a.configFlag = s.output
			if err := check.Flags().Set("online", strconv.FormatBool(!s.offline)); err != nil {
				return err
			}
			if err := check.RunE(check, nil); err != nil || s.offline {
				return err
			}
			return a.lookAtNewest(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&s.output, "output", "o", "harvester.toml", "`file` to write")
	f.StringVar(&s.state, "state", "/var/lib/harvester", "`folder` for database, exports and reports")
	f.StringVar(&s.provider, "provider", "", "who runs the mailbox: microsoft, google or other")
	f.StringVar(&s.server, "server", "", "the IMAP server, `host:port`")
	f.StringVar(&s.tls, "tls", "", "how the connection is protected: implicit, starttls, none (default: by the port)")
	f.StringVar(&s.username, "username", "", "the `login`, mostly the mailbox's address")
	f.StringVar(&s.password, "password", "", "`reference` to the password: credential:NAME, file:PATH, env:NAME, exec:COMMAND")
	f.StringVar(&s.tenant, "tenant", "", "Microsoft: the Directory (tenant) `ID`")
	f.StringVar(&s.clientID, "client-id", "", "Microsoft: the Application (client) `ID`")
	f.StringVar(&s.credential, "secret", "", "`reference` to Microsoft's client secret or Google's key file")
	f.StringSliceVar(&s.own, "own", nil, "the `domains` that you send as")
	f.StringSliceVar(&s.exports, "export", nil, "`profiles` that the list is written in, see \"harvester export profiles\"")
	f.BoolVar(&s.offline, "offline", false, "check the configuration without signing in")
	exits(cmd, exitOK, "the configuration is written and works", exitUsage, "the command line is wrong, or an answer is missing",
		exitCantCreate, "the file is there already, or can't be written", exitConfig, "the configuration is written, and something is left to do")
	return cmd
}

// init asks what is missing, writes the configuration and says what is left to
// do.
func (a *app) init(s *setup) error {
	if err := vacant(s.output); err != nil {
		return err
	}
	if err := s.ask(&interview{in: bufio.NewReader(a.In), out: a.Err}); err != nil {
		return err
	}
	text, err := s.compose()
	if err != nil {
		return err
	}
	// What init writes is right by itself, or it is not written.
	c, err := config.Parse(s.output, []byte(text))
	if err != nil {
		return err
	}
	if err := writeNew(s.output, text); err != nil {
		return fail(exitCantCreate, err, "--output FILE names another place")
	}
	makeFolders(c)
	for _, open := range exposed(c) {
		fmt.Fprintf(a.Err, "harvester: %s\n", wrap(open, 67, 11))
	}
	_, err = fmt.Fprintf(a.Out, "%s is written.\n\n%s\n", s.output, s.steps())
	return err
}

// newest is how many messages of a mailbox tell whether own_domains is right.
const newest = 200

// lookAtNewest reads the newest mail of a mailbox that was just configured, and
// says whether the domains that were named account for it. Nothing is kept.
func (a *app) lookAtNewest(ctx context.Context) error {
	c, err := a.loadConfig()
	if err != nil {
		return err
	}
	r, err := compose.Rehearse(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer r.Close()
	for i := range c.Mailboxes {
		box := r.Mailbox(&c.Mailboxes[i], true)
		box.Copy, box.Newest = true, newest
		if _, err := box.Run(ctx); err != nil {
			return err
		}
	}
	unproven, err := r.DB.Reports.Unproven(ctx)
	switch text := unproven.String(); {
	case err != nil:
		return err
	case text != "":
		fmt.Fprintf(a.Err, "harvester: %s\n", wrap(text, 67, 11))
	case unproven.Of > 0:
		others := ""
		if len(unproven.Senders) > 0 {
			others = "; the others are of mail from " + unproven.Senders[0].Domain
		}
		fmt.Fprintf(a.Out, "\n%s.\n", wrap(fmt.Sprintf("The newest mail was looked at: own_domains accounts for %s of %s%s", count.Number(unproven.Of-unproven.Failures), count.Of(unproven.Of, "failure"), others), 78, 0))
	}
	levels, err := r.DB.Reports.Levels(ctx, 0)
	for _, line := range levels.Raise(c.Proof) {
		fmt.Fprintf(a.Out, "\nTo prove that failures are of your mail: %s.\n", wrap(line, 78, 0))
	}
	return err
}

// makeFolders makes the folders that a new configuration writes to, as far as
// may be: what is missing then is told by its check.
func makeFolders(c *config.Config) {
	for _, e := range c.Exports {
		_ = os.MkdirAll(filepath.Dir(e.Path), 0o750)
	}
	if c.Report.Path != "" {
		_ = os.MkdirAll(c.Report.Path, 0o750)
	}
	_ = os.MkdirAll(filepath.Dir(c.Store.Path), 0o750)
}

// vacant fails where somebody's configuration is.
func vacant(path string) error {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fail(exitCantCreate, fmt.Errorf("looking for an earlier configuration: %w", err), "--output FILE names another place")
	case untouched(string(text)) && isFile(filepath.Join(filepath.Dir(path), "go.mod")):
		return fail(exitCantCreate, fmt.Errorf("%s belongs to the source of harvester, and stays as it is", path), "in a folder of your own: mkdir my && cd my && ../harvester init --state state")
	case untouched(string(text)):
		return nil
	}
	return fail(exitCantCreate, fmt.Errorf("%s is there already and stays as it is", path), "--output FILE names another place")
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// untouched tells that a configuration is the example, perhaps with the rules
// folder of a package.
func untouched(text string) bool {
	f := config.NewFill()
	if text == f.String() {
		return true
	}
	return f.Set("", "rules_dir", `"/etc/harvester/rules"`) == nil && text == f.String()
}

// writeNew writes a file that is not there, or that is vacant.
func writeNew(path, text string) error {
	if err := vacant(path); err != nil {
		return err
	}
	_, err := export.Replace(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	if err == nil {
		err = os.Chmod(path, 0o644) // it holds no secret, and the service reads it as another user
	}
	return err
}

// compose is the configuration that the answers make.
func (s *setup) compose() (string, error) {
	f := config.NewFill()
	var errs []error
	set := func(table, key, value string) { errs = append(errs, f.Set(table, key, value)) }
	set("", "own_domains", tomlList(s.own))
	set("[store]", "path", strconv.Quote(filepath.Join(s.state, "harvester.db")))
	set("[[mailbox]]", "server", strconv.Quote(s.server))
	if s.tls != "" && s.tls != "implicit" {
		set("[[mailbox]]", "tls", strconv.Quote(s.tls))
	}
	set("[[mailbox]]", "username", strconv.Quote(s.username))
	const oauth = "[mailbox.oauth]"
	switch s.provider {
	case "microsoft":
		f.Drop("password")
		set(oauth, "provider", `"microsoft"`)
		set(oauth, "tenant", strconv.Quote(s.tenant))
		set(oauth, "client_id", strconv.Quote(s.clientID))
		set(oauth, "client_secret", strconv.Quote(s.credential))
	case "google":
		f.Drop("password")
		set(oauth, "provider", `"google"`)
		set(oauth, "service_account", strconv.Quote(s.credential))
	default:
		set("[[mailbox]]", "password", strconv.Quote(s.password))
	}
	var more strings.Builder
	for i, profile := range s.exports {
		path := strconv.Quote(filepath.Join(s.state, "export", "suppression"+extension(profile)))
		if i == 0 {
			set("[[export]]", "profile", strconv.Quote(profile))
			set("[[export]]", "path", path)
			continue
		}
		fmt.Fprintf(&more, "[[export]]\nname = %q\nprofile = %q\npath = %s\n\n", profile, profile, path)
	}
	set("[report]", "path", strconv.Quote(filepath.Join(s.state, "report")))
	if more.Len() > 0 {
		errs = append(errs, f.Append("#[[push]]", more.String())) // what follows [[export]] in the example
	}
	return f.String(), errors.Join(errs...)
}

// extension tells the files of two profiles apart.
func extension(profile string) string {
	switch profile {
	case "csv", "email":
		return map[string]string{"csv": ".csv", "email": ".email.csv"}[profile]
	}
	return "." + profile
}

func tomlList(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
