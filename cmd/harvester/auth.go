package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/parse/nearest"
)

func newAuth(a *app) *cobra.Command {
	var check, asJSON bool
	cmd := &cobra.Command{
		Use:   "auth MAILBOX | auth --check [MAILBOX]",
		Short: "Sign in to a mailbox by device code, or prove that a login works",
		Long: `For a mailbox whose [mailbox.oauth] has grant = "user": shows an address and a
code, waits until the user has entered the code there, and keeps what the user
agreed to beside the database, where only its owner can read it. A daemon that
is running takes it up by itself.

With --check, for any mailbox, or for all of them: gets a new token where one is
wanted, signs in and opens the folders, and says what is missing. Nothing is read
and nothing is changed on the server.`,
		Example: "  harvester auth bounces\n  harvester auth --check",
		Args:    args(0, 1),
		RunE: func(cmd *cobra.Command, names []string) error {
			c, err := a.loadConfig()
			if err != nil {
				return err
			}
			if len(c.Mailboxes) == 0 {
				return fail(exitConfig, fmt.Errorf("%s: %w", c.File, compose.ErrNoMailbox), "add a [[mailbox]]; harvester config example shows one")
			}
			chosen := c.Mailboxes
			if len(names) > 0 {
				i := slices.IndexFunc(c.Mailboxes, func(m config.Mailbox) bool { return string(m.Name) == names[0] })
				if i < 0 {
					return noSuchMailbox(c, names[0])
				}
				chosen = c.Mailboxes[i : i+1]
			}
			switch {
			case check:
			case len(names) == 0:
				return fail(exitUsage, errors.New("a mailbox is missing"), "harvester auth --check proves all of them")
			default:
				if err := a.agree(cmd.Context(), c, &chosen[0]); err != nil {
					return err
				}
			}
			return a.prove(cmd.Context(), c, chosen, asJSON)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "only prove the login, of all mailboxes when none is named")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line for each mailbox")
	exits(cmd, exitOK, "every login works", exitUsage, "the command line is wrong, or nobody has to agree for this mailbox",
		exitUnavailable, "no mailbox could be reached", exitTempFail, "some mailboxes failed", exitNoPerm, "every login was refused",
		exitConfig, "the configuration is wrong: a key, a secret or a folder", exitInterrupted, "interrupted")
	return cmd
}

func noSuchMailbox(c *config.Config, name string) error {
	var names []string
	for _, m := range c.Mailboxes {
		names = append(names, string(m.Name))
	}
	return fail(exitUsage, fmt.Errorf("there is no mailbox %q", name), nearest.Hint(name, names))
}

// agree is the dialogue with the user.
func (a *app) agree(ctx context.Context, c *config.Config, m *config.Mailbox) error {
	if m.OAuth == nil || m.OAuth.Grant != config.User {
		return fail(exitUsage, fmt.Errorf("mailbox %s signs in by itself: nobody has to agree", m.Name), "harvester auth --check "+string(m.Name)+" proves it")
	}
	err := compose.Agree(ctx, c, m, func(address, code string) {
		fmt.Fprintf(a.Err, "Open %s as %s, on any device, and enter the code %s\nWaiting for it; Ctrl-C ends this.\n", address, m.Username, code)
	})
	if err != nil && ctx.Err() == nil {
		return passStatusOf(a, err)
	}
	return err
}

// passStatusOf prints the error of one mailbox and returns its exit status.
func passStatusOf(a *app, err error) error {
	a.printError(err)
	return passStatus([]ran{{err: err}}, 1)
}

// proved is what `auth --check --json` prints.
type proved struct {
	Mailbox     string     `json:"mailbox"`
	OK          bool       `json:"ok"`
	TokenUntil  *time.Time `json:"token_until"` // null without a token, or one without an end
	Permissions []string   `json:"permissions"` // that the token names
	Folders     []inFolder `json:"folders"`
	Error       string     `json:"error,omitempty"`
}

type inFolder struct {
	Name     string `json:"name"`
	Messages int    `json:"messages"`
}

func (a *app) prove(ctx context.Context, c *config.Config, boxes []config.Mailbox, asJSON bool) error {
	proofs := compose.Prove(ctx, c, boxes)
	if err := ctx.Err(); err != nil {
		return err
	}
	results := make([]ran, len(boxes))
	enc := json.NewEncoder(a.Out)
	for i, p := range proofs {
		results[i].err = p.Err
		if p.Err != nil {
			a.printError(p.Err)
		}
		if asJSON {
			if err := enc.Encode(provedOf(p)); err != nil {
				return err
			}
			continue
		}
		if p.Err == nil && boxes[i].Type.OnServer() {
			fmt.Fprintf(a.Out, "mailbox %s: signed in as %s%s\n", p.Mailbox, boxes[i].Username, until(p, c.Timezone.Location()))
		}
		printProbed(a.Out, []compose.Probed{p.Probed})
	}
	return passStatus(results, len(results))
}

func until(p compose.Proof, zone *time.Location) string {
	if p.Token == nil || p.Token.Expiry.IsZero() {
		return ""
	}
	return ", with a token until " + p.Token.Expiry.In(zone).Format("15:04")
}

func provedOf(p compose.Proof) proved {
	out := proved{Mailbox: p.Mailbox, OK: p.Err == nil, Permissions: append([]string{}, p.Permissions...), Folders: []inFolder{}}
	if p.Token != nil && !p.Token.Expiry.IsZero() {
		at := p.Token.Expiry.UTC()
		out.TokenUntil = &at
	}
	for _, f := range p.Folders {
		out.Folders = append(out.Folders, inFolder(f))
	}
	if p.Err != nil {
		out.Error = p.Err.Error()
	}
	return out
}
