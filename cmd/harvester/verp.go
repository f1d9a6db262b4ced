package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/config"
	"harvester/parse/envelope"
)

func newVERP(a *app) *cobra.Command {
	return parent(&cobra.Command{
		Use:   "verp",
		Short: "Sign return paths, and tell whether one is signed",
		Long: `A return path that names its recipient and is signed proves that a failure
answers a mail of yours, and whom that mail went to. The shapes and keys are
[verp.NAME] of the configuration; docs/return-paths.md has the format, for
senders that sign by themselves.`,
		Example: "  harvester verp sign jane@example.net\n  harvester verp verify 'b-20782-9f0c61f2a4d3-jane=example.net@bounces.example.org'",
	}, newVERPSign(a), newVERPVerify(a))
}

// signedPath is what `verp sign --json` prints.
type signedPath struct {
	Recipient  string `json:"recipient"`
	ReturnPath string `json:"return_path"`
}

func newVERPSign(a *app) *cobra.Command {
	var asJSON bool
	var name string
	cmd := &cobra.Command{
		Use:   "sign ADDRESS...|-",
		Short: "Print the return path for a mail to each recipient, as of now",
		Long: `Prints the signed return path of a mail to each ADDRESS that is sent today, with
the first key of its shape; - reads one address a line. Give it to the mail that
goes to this one recipient: sendmail -f, the MAIL FROM of SMTP, or your sending
program's setting.`,
		Example: `  sendmail -f "$(harvester verp sign jane@example.net)" jane@example.net < mail.eml`,
		Args:    args(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.loadConfig()
			if err != nil {
				return err
			}
			shape, err := signer(cmd.Context(), c, name)
			if err != nil {
				return err
			}
			enc := json.NewEncoder(a.Out)
			return a.eachArgument(args, func(address string) error {
				path, err := shape.Sign(address, time.Now())
				if err != nil {
					hint := ""
					if errors.Is(err, envelope.ErrTooLong) {
						hint = "a shorter pattern leaves more room; without a signed path, the send ledger can prove such a mail"
					}
					return fail(exitData, err, hint)
				}
				if asJSON {
					return enc.Encode(signedPath{address, path})
				}
				_, err = fmt.Fprintln(a.Out, path)
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().StringVar(&name, "name", "", "the `shape` to use, where the configuration has several")
	exits(cmd, exitOK, "every return path was printed", exitUsage, "the command line is wrong, or there is no such shape",
		exitData, "an address can't be signed", exitConfig, "the configuration or a key is wrong")
	return cmd
}

// signer is the shape of a name, or the only one that signs.
func signer(ctx context.Context, c *config.Config, name string) (*envelope.VERP, error) {
	paths, _, err := c.ReturnPaths(ctx)
	if err != nil {
		return nil, err
	}
	var found *envelope.VERP
	var names []string
	for i, n := range c.VERPNames() {
		if !paths[i].Signs() {
			continue
		}
		names = append(names, n)
		if name == "" || n == name {
			found = paths[i]
		}
	}
	switch {
	case len(names) == 0:
		return nil, fail(exitConfig, fmt.Errorf("%s: no return path is signed", c.File), "add a [verp.NAME] with a {token} in its pattern, and keys")
	case found == nil:
		return nil, fail(exitUsage, fmt.Errorf("there is no [verp.%s] that signs", name), "one of "+strings.Join(names, ", "))
	case name == "" && len(names) > 1:
		return nil, fail(exitUsage, errors.New("the configuration has several shapes"), "--name NAME, one of "+strings.Join(names, ", "))
	}
	return found, nil
}

// checkedPath is what `verp verify --json` prints.
type checkedPath struct {
	Address   string    `json:"address"`
	Good      bool      `json:"good"`
	Shape     string    `json:"shape"`     // verp.NAME or batv; "" when it is none of ours
	Key       string    `json:"key"`       // where the key that verifies is kept
	Recipient string    `json:"recipient"` // that we mailed; "" for BATV
	Signed    time.Time `json:"signed,omitzero"`
	Problem   string    `json:"problem"` // "" when it is good
}

func newVERPVerify(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify ADDRESS...|-",
		Short: "Say whom a return path was written for, when, and whether it is true",
		Long: `Takes each return path apart as a notice that comes in now would be: whom the
mail went to, on what day it was signed and with which key, and whether the token
verifies and is in date. Tags of BATV are read too, where [batv] has keys.
- reads one address a line.`,
		Example: "  harvester verp verify 'b-20782-9f0c61f2a4d3-jane=example.net@bounces.example.org'",
		Args:    args(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.loadConfig()
			if err != nil {
				return err
			}
			paths, batv, err := c.ReturnPaths(cmd.Context())
			if err != nil {
				return err
			}
			enc, bad := json.NewEncoder(a.Out), 0
			err = a.eachArgument(args, func(address string) error {
				p := checkPath(c, paths, batv, address)
				if !p.Good {
					bad++
				}
				if asJSON {
					return enc.Encode(p)
				}
				_, err := fmt.Fprintln(a.Out, printable(p.String()))
				return err
			})
			if err == nil && bad > 0 {
				err = fail(exitData, errors.New(""), "")
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	exits(cmd, exitOK, "every return path is true and in date", exitUsage, "the command line is wrong",
		exitData, "one is forged, out of date or none of ours", exitConfig, "the configuration or a key is wrong")
	return cmd
}

func (p checkedPath) String() string {
	text := p.Address + ": " + cmp.Or(p.Problem, "good")
	if p.Recipient != "" {
		text += ", to " + p.Recipient
	}
	if !p.Signed.IsZero() {
		text += ", signed on " + p.Signed.Format(time.DateOnly)
	}
	if p.Key != "" {
		text += " with " + p.Key
	}
	return text
}

// checkPath judges one return path at this moment.
func checkPath(c *config.Config, paths []*envelope.VERP, batv *envelope.BATV, address string) checkedPath {
	p := checkedPath{Address: address, Problem: "no return path of [verp.NAME] or [batv]"}
	judge := func(signed, fresh bool) {
		switch p.Good = signed && fresh; {
		case !signed:
			p.Problem = "forged: the token does not verify"
		case !fresh:
			p.Problem = "out of date"
		default:
			p.Problem = ""
		}
	}
	for i, name := range c.VERPNames() {
		s, ok := envelope.Read(paths[i:i+1], address)
		if !ok {
			continue
		}
		p.Shape, p.Recipient = "verp."+name, s.Recipient
		if !paths[i].Signs() {
			p.Problem = "not signed: the pattern has no {token}"
			return p
		}
		if s.Signed {
			p.Key = c.VERP[name].Keys[s.Key].Reference()
			p.Signed = time.Unix(int64(s.Day)*86400, 0).UTC()
		}
		judge(s.Signed, s.Fresh(time.Now()))
		return p
	}
	if tag, ok := batv.Read(address); ok {
		p.Shape = "batv"
		if tag.Signed {
			p.Key = c.BATV.Keys[tag.Key].Reference()
		}
		judge(tag.Signed, tag.Fresh(time.Now()))
	}
	return p
}
