package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/parse/rules"
)

func newRulesTest(a *app, dir *string) *cobra.Command {
	var asJSON bool
	var labels string
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Test every rule on its examples, and on labelled messages",
		Long: `Tests each rule on its examples, which it must win, and on its counter-examples.
With --labels the messages that a file lists are parsed, and what differs from
their labels is printed. The file holds a JSON object a line:

  {"file":"full.eml","kind":"bounce","recipients":[{"recipient":"jane@example.net",
   "action":"failed","status":"5.2.2","reply_code":552,"reason":"mailbox_full"}]}

"file" starts from the folder of FILE. The other keys mean what they mean in
"harvester parse --json"; of a recipient, keys that are left out are not compared.`,
		Example: "  harvester rules test --rules ./rules\n  harvester rules test --labels fixtures/truth.jsonl",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := a.ruleSet(*dir)
			if err != nil {
				return err
			}
			failures := set.Test()
			for _, f := range failures {
				if err := a.tell(asJSON, ruleFailure{f.Rule.ID, f.Text, f.Want, f.Got.Rule, f.Got.Reason.String()}, f.String()); err != nil {
					return err
				}
			}
			if len(failures) > 0 {
				return fail(exitConfig, fmt.Errorf("%s not answered as the rules say", count.Of(len(failures), "example")), "harvester classify --why TEXT shows what answers a reply, and why")
			}
			if labels == "" {
				if !asJSON {
					_, err = fmt.Fprintf(a.Out, "%s, all win their examples (pack %s)\n", count.Of(len(set.Rules()), "rule"), set.Version())
				}
				return err
			}
			return a.testLabels(cmd, set, labels, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print each difference as one JSON object a line, and nothing else")
	cmd.Flags().StringVar(&labels, "labels", "", "`file` that says what messages mean")
	exits(cmd, exitOK, "everything is as it says", exitData, "a message differs from its label, or the labels can't be understood",
		exitNoInput, "there is no such folder or file", exitConfig, "a rule file or an example is wrong")
	return cmd
}

// ruleFailure is an example that is not answered as its rule says.
type ruleFailure struct {
	Rule      string `json:"rule"`
	Text      string `json:"text"`
	Want      string `json:"want"`
	GotRule   string `json:"got_rule"`
	GotReason string `json:"got_reason"`
}

// tell prints one difference.
func (a *app) tell(asJSON bool, v any, text string) error {
	if asJSON {
		return json.NewEncoder(a.Out).Encode(v)
	}
	_, err := fmt.Fprintln(a.Out, printable(text))
	return err
}

// label says what one message means. Keys that are nil are not compared.
type label struct {
	File       string           `json:"file"`
	Kind       bounce.Kind      `json:"kind"`
	Recipients []labelRecipient `json:"recipients"`
}

type labelRecipient struct {
	Recipient string         `json:"recipient"`
	Action    *bounce.Action `json:"action"`
	Status    *string        `json:"status"`
	ReplyCode *int           `json:"reply_code"`
	Reason    *bounce.Reason `json:"reason"`
}

// difference is one thing that a message says otherwise than its label.
type difference struct {
	File      string `json:"file"`
	Recipient string `json:"recipient,omitempty"`
	What      string `json:"what"`
	Got       string `json:"got"`
	Want      string `json:"want"`
}

func (d difference) String() string {
	who := ""
	if d.Recipient != "" {
		who = d.Recipient + ": "
	}
	return fmt.Sprintf("%s: %s%s is %s, the label says %s", d.File, who, d.What, d.Got, d.Want)
}

func (a *app) testLabels(cmd *cobra.Command, set *rules.Set, file string, asJSON bool) error {
	doc, err := os.ReadFile(file)
	if err != nil {
		return fail(exitNoInput, fmt.Errorf("reading labels: %w", err), "")
	}
	lines := bufio.NewScanner(bytes.NewReader(doc))
	lines.Buffer(nil, lineLimit)
	messages, wrong := 0, 0
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		at := func(err error) error {
			return fail(exitData, fmt.Errorf("%s:%d: %w", file, n, err), "harvester rules test --help shows the form")
		}
		var l label
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			return at(err)
		}
		raw, err := os.ReadFile(filepath.Join(filepath.Dir(file), filepath.FromSlash(l.File)))
		if err != nil {
			return at(err)
		}
		r := parse.Parse(raw, &parse.Options{Rules: set})
		found := l.compare(&r)
		for _, d := range found {
			if err := a.tell(asJSON, d, d.String()); err != nil {
				return err
			}
		}
		messages++
		if len(found) > 0 {
			wrong++
		}
		if err := cmd.Context().Err(); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fail(exitData, fmt.Errorf("reading labels: %w", err), "")
	}
	if !asJSON {
		verdict := "all as they say"
		if wrong == 1 {
			verdict = "1 differs"
		} else if wrong > 1 {
			verdict = fmt.Sprintf("%d differ", wrong)
		}
		if _, err := fmt.Fprintf(a.Out, "%d labelled messages, %s\n", messages, verdict); err != nil {
			return err
		}
	}
	if wrong > 0 {
		return fail(exitData, errors.New(""), "harvester parse --why FILE shows how a message is read")
	}
	return nil
}

// compare says in what a message differs from its label.
func (l *label) compare(r *parse.Result) (out []difference) {
	note := func(recipient, what, got, want string) {
		if got != want {
			out = append(out, difference{l.File, recipient, what, cmp.Or(got, "nothing"), cmp.Or(want, "nothing")})
		}
	}
	note("", "kind", r.Kind.String(), l.Kind.String())
	for _, w := range l.Recipients {
		i := slices.IndexFunc(r.Recipients, func(g parse.Recipient) bool { return g.Recipient == w.Recipient })
		if i < 0 {
			note(w.Recipient, "recipient", "missing", w.Recipient)
			continue
		}
		g := &r.Recipients[i]
		if w.Action != nil {
			note(w.Recipient, "action", g.Action.String(), w.Action.String())
		}
		if w.Status != nil {
			note(w.Recipient, "status", g.Status, *w.Status)
		}
		if w.ReplyCode != nil {
			note(w.Recipient, "reply code", fmt.Sprint(g.ReplyCode), fmt.Sprint(*w.ReplyCode))
		}
		if w.Reason != nil {
			note(w.Recipient, "reason", g.Reason.String(), w.Reason.String())
		}
	}
	for _, g := range r.Recipients {
		if l.Recipients != nil && !slices.ContainsFunc(l.Recipients, func(w labelRecipient) bool { return w.Recipient == g.Recipient }) {
			note(g.Recipient, "recipient", g.Recipient, "nobody of this name")
		}
	}
	return out
}
