package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/parse/bounce"
	"harvester/parse/rules"
	"harvester/parse/scrub"
	"harvester/store/engine"
	"harvester/store/export"
	"harvester/store/judge"
)

// triageFile is where accepted rules are written, in rules_dir.
const triageFile = "triage.toml"

func newTriageExport(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export ID",
		Short: "Print a message as a sample that names nobody, to be sent in",
		Long: `Prints the kept original of a message without addresses, hosts, ids and people's
names: each is replaced by the same word wherever it stands. Signatures,
attachments and the text of the mail that came back are left out. A name in the
words of the notice is known only from the header: read the sample before you
send it.`,
		Example: "  harvester triage export 17 > sample.eml",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				raw, err := a.kept(cmd, set, args[0])
				if err != nil {
					return err
				}
				_, err = a.Out.Write(scrub.Mail(raw))
				return err
			})
		},
	}
	exits(cmd, exitOK, "the sample was printed", exitUsage, "there is no such original", exitNoInput, "there is no database yet",
		exitConfig, "the configuration is wrong")
	return cmd
}

type acceptOptions struct {
	json               bool
	reason, phrase, id string
}

func newTriageAccept(a *app) *cobra.Command {
	var o acceptOptions
	cmd := &cobra.Command{
		Use:   "accept ID",
		Short: "Write a rule for the reply of a message into rules_dir",
		Long: `Writes a rule for a reply that nobody understood into rules_dir/triage.toml: the
phrase that "harvester triage" suggests, or --phrase, means --reason. The reply
becomes its example, without the names in it. Nothing is written when a rule
fails an example then ("harvester rules test"), or when a stored reply that has
a meaning would get another: take a longer phrase. Then "harvester reclassify"
shows what follows for the list.`,
		Example: "  harvester triage accept 17 --reason user_unknown\n  harvester triage accept 17 --reason mailbox_full --phrase 'no room left for'",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.accept(cmd, args[0], o)
		},
	}
	cmd.Flags().StringVar(&o.reason, "reason", "", "`what` the reply means, such as user_unknown (required)")
	cmd.Flags().StringVar(&o.phrase, "phrase", "", "`words` to look for (default: those that triage suggests)")
	cmd.Flags().StringVar(&o.id, "id", "", "`name` of the rule (default: made of the phrase)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	exits(cmd, exitOK, "the rule is written", exitUsage, "there is no such reply or reason", exitData, "the rule would break another, or a stored reply",
		exitNoInput, "there is no database or folder yet", exitCantCreate, "the file can't be written",
		exitConfig, "the configuration is wrong, or a rule file is")
	return cmd
}

// accept writes a rule for the reply of a message.
func (a *app) accept(cmd *cobra.Command, number string, o acceptOptions) error {
	var r bounce.Reason
	if err := r.UnmarshalText([]byte(o.reason)); err != nil || r == bounce.Unclassified {
		return fail(exitUsage, fmt.Errorf("%q is no reason that a rule can give", o.reason), "--reason REASON; harvester policy show lists them")
	}
	return a.with(cmd.Context(), true, func(set *compose.Set) error {
		dir := set.Config.RulesDir
		if dir == "" {
			return fail(exitConfig, errors.New("there is no folder for rules"), `set rules_dir, such as rules_dir = "/etc/harvester/rules"`)
		}
		message, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return fail(exitUsage, fmt.Errorf("%q is not the number of a message", number), "harvester triage shows the numbers")
		}
		text, err := set.DB.Notices.Puzzle(cmd.Context(), message)
		if errors.Is(err, engine.ErrNotFound) {
			return fail(exitUsage, err, "harvester triage shows the numbers; a mail that names nobody needs a layout: harvester triage export")
		}
		if err != nil {
			return err
		}
		rule := acceptedRule(text, o.phrase, o.id, r)
		out, err := rule.accept(cmd, set, filepath.Join(dir, triageFile))
		if err != nil {
			return err
		}
		if o.json {
			return json.NewEncoder(a.Out).Encode(out)
		}
		_, err = fmt.Fprintf(a.Out, "%s: rule %s answers %d stored replies; harvester reclassify shows what follows\n", out.File, out.Rule, out.Replies)
		return err
	})
}

// newRule is a rule as it is written to a file.
type newRule struct {
	ID       string   `toml:"id"`
	Contains []string `toml:"contains"`
	Reason   string   `toml:"reason"`
	Source   string   `toml:"source"`
	Examples []string `toml:"examples"`
}

func acceptedRule(text, phrase, id string, reason bounce.Reason) *newRule {
	if phrase == "" {
		phrase = scrub.Phrase(scrub.Template(text))
	}
	if id == "" {
		words := strings.FieldsFunc(strings.ToLower(phrase), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
		id = "own." + strings.Join(words[:min(len(words), 5)], "-")
	}
	return &newRule{ID: id, Contains: []string{phrase}, Reason: reason.String(), Examples: []string{scrub.Text(text)},
		Source: fmt.Sprintf("harvester triage accept, %s, by %s", time.Now().UTC().Format(time.DateOnly), author())}
}

// accepted is what triage accept did.
type accepted struct {
	Rule    string `json:"rule"`
	File    string `json:"file"`
	Replies int    `json:"replies"` // that it answers
}

// accept tries the rule beside all others, on their examples and on all stored
// replies, and writes it when nothing speaks against it.
func (n *newRule) accept(cmd *cobra.Command, set *compose.Set, file string) (accepted, error) {
	out := accepted{Rule: n.ID, File: file}
	for _, r := range set.Rules().Rules() {
		if r.ID == n.ID {
			return out, fail(exitUsage, fmt.Errorf("there is a rule %q already, in %s", n.ID, r.File), "--id gives it another name")
		}
	}
	table, err := toml.Marshal(map[string][]*newRule{"rule": {n}})
	if err != nil {
		return out, err
	}
	doc, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return out, fmt.Errorf("reading %s: %w", file, err)
	}
	if len(doc) == 0 { // phrases of nobody in particular: what accuses the sender goes before them
		doc = []byte("# What harvester triage accept wrote.\nvendor = \"generic\"\n")
	}
	doc = append(append(bytes.TrimRight(doc, "\n"), "\n\n"...), table...)
	pack, err := tried(filepath.Dir(file), filepath.Base(file), doc)
	if err != nil {
		return out, err
	}
	if failures := pack.Test(); len(failures) > 0 {
		words := make([]string, len(failures))
		for i, f := range failures {
			words[i] = f.String()
		}
		return out, fail(exitData, errors.New(strings.Join(words, "\n")), "take a longer phrase; nothing was written")
	}
	d, err := set.DB.Judge.Replay(cmd.Context(), judge.Scenario{Policy: set.Config.Table, Meaning: meaning(pack)})
	if err != nil {
		return out, err
	}
	for _, r := range d.Readings {
		switch {
		case r.By != n.ID:
		case r.Was != bounce.Unclassified.String():
			return out, fail(exitData, fmt.Errorf("the phrase %q takes %d stored replies that mean %s (%s)", n.Contains[0], r.N, r.Was, r.Rule), "take a longer phrase; nothing was written")
		default:
			out.Replies += r.N
		}
	}
	_, err = export.Replace(file, func(w io.Writer) error {
		_, err := w.Write(doc)
		return err
	})
	if err != nil {
		return out, fail(exitCantCreate, fmt.Errorf("writing the rule: %w", err), "")
	}
	return out, nil
}

// tried reads the rules of a folder as they are with another content of one
// file.
func tried(dir, name string, doc []byte) (*rules.Set, error) {
	tmp, err := os.MkdirTemp("", "harvester-rules-")
	if err != nil {
		return nil, fmt.Errorf("making a folder to try the rule in: %w", err)
	}
	defer os.RemoveAll(tmp)
	files, err := filepath.Glob(filepath.Join(dir, "*.toml"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		was, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("reading rules: %w", err)
		}
		if err := os.WriteFile(filepath.Join(tmp, filepath.Base(f)), was, 0o600); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(tmp, name), doc, 0o600); err != nil {
		return nil, err
	}
	return loadRules(tmp)
}
