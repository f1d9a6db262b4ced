package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/parse"
	"harvester/parse/bounce"
	"harvester/parse/rules"
)

const lineLimit = 1 << 20 // bytes of a reply text

type classifyOptions struct {
	json, why     bool
	rules, remote string // a folder, and a host
}

func newClassify(a *app) *cobra.Command {
	var o classifyOptions
	cmd := &cobra.Command{
		Use:   "classify [TEXT...]",
		Short: "Say what a reply text means",
		Long: `Says what the reply of a mail server means: reason, whose fault, rule. Each
TEXT is one reply; without TEXT, or for "-", each line of standard input is.`,
		Example: "  harvester classify '550 5.1.1 <jane@example.net>: user unknown'\n" +
			"  grep -ho 'said: .*' /var/log/mail.log | harvester classify --json",
		Args: args(0, -1),
		RunE: func(cmd *cobra.Command, texts []string) error {
			return a.classify(cmd.Context(), texts, o)
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object a line")
	cmd.Flags().BoolVar(&o.why, "why", false, "with everything that spoke for a reason, and why it won or lost")
	cmd.Flags().StringVar(&o.remote, "remote", "", "`host` that gave the replies, where it is known")
	cmd.Flags().StringVar(&o.rules, "rules", "", "`folder` with rules of your own, beside the built-in ones")
	exits(cmd, exitOK, "every reply has an answer, perhaps unclassified", exitUsage, "the command line is wrong",
		exitNoInput, "standard input is not readable")
	return cmd
}

// classify prints what each reply means.
func (a *app) classify(ctx context.Context, texts []string, o classifyOptions) error {
	set, err := loadRules(o.rules)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(a.Out, 64<<10)
	show, colours := appendAnswerText, a.colours(a.Out)
	if o.json {
		show = appendAnswerJSON
	}
	var buf []byte
	for text, err := range replies(texts, a.In) {
		if err != nil {
			return errors.Join(w.Flush(), fail(exitNoInput, fmt.Errorf("reading replies: %w", err), ""))
		}
		q := rules.Query{Text: text, RemoteMTA: o.remote}
		buf = show(buf[:0], text, set.Classify(q), colours)
		if o.why {
			buf = appendSteps(buf, set.Why(q), o.json)
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return w.Flush()
}

// replies yields each argument, or each line of in for none and for "-".
func replies(texts []string, in io.Reader) iter.Seq2[string, error] {
	if len(texts) == 0 {
		texts = []string{"-"}
	}
	return func(yield func(string, error) bool) {
		for _, t := range texts {
			if t != "-" {
				if !yield(t, nil) {
					return
				}
				continue
			}
			lines := bufio.NewScanner(in)
			lines.Buffer(make([]byte, 64<<10), lineLimit)
			for lines.Scan() {
				if !yield(lines.Text(), nil) {
					return
				}
			}
			if err := lines.Err(); err != nil && !yield("", err) {
				return
			}
		}
	}
}

// failing is the class of a reason whose recipient failed.
func failing(r parse.Reason) parse.Class { return r.Class(bounce.Failed) }

func appendAnswerJSON(dst []byte, text string, a rules.Answer, _ colours) []byte {
	o := object{append(dst, '{')}
	o.str("text", text)
	o.str("reason", a.Reason.String())
	o.str("fault", a.Reason.Fault().String())
	o.str("class", failing(a.Reason).String())
	o.str("vendor", a.Vendor)
	o.str("rule", a.Rule)
	o.str("status", a.Status)
	o.key("reply_code")
	o.dst = fmt.Append(o.dst, a.ReplyCode)
	o.str("evidence", a.Evidence)
	o.certainty(a.Certainty, a.Unread)
	return append(o.dst, '}', '\n')
}

func appendAnswerText(dst []byte, text string, a rules.Answer, c colours) []byte {
	dst = fmt.Appendf(dst, "%s\n  reason    %s\n", wrap(printable(text), 80, 0), verdictText(a.Reason, failing(a.Reason), c))
	for _, f := range [...]struct{ name, v string }{
		{"vendor", a.Vendor}, {"codes", codesText(a.ReplyCode, a.Status)}, {"matched", a.Evidence}, {"rule", a.Rule},
	} {
		if f.v != "" {
			dst = fmt.Appendf(dst, "  %-9s %s\n", f.name, wrap(printable(f.v), 80-12, 12))
		}
	}
	for clause := range strings.SplitSeq(a.Unread, "\n") {
		if clause == "" {
			break
		}
		dst = fmt.Appendf(dst, "  %-9s %s\n", "unread", wrap(printable(clause), 80-12, 12))
	}
	return dst
}

// appendSteps shows the steps of the precedence, the winner first. In JSON they
// become the last member of the answer's object, "why".
func appendSteps(dst []byte, steps []rules.Step, asJSON bool) []byte {
	if asJSON {
		dst = append(dst[:len(dst)-len("}\n")], `,"why":[`...)
	}
	for i, s := range steps {
		if asJSON {
			if i > 0 {
				dst = append(dst, ',')
			}
			o := object{append(dst, '{')}
			o.str("tier", s.Tier)
			o.str("rule", s.Rule)
			o.str("reason", s.Reason.String())
			o.str("evidence", s.Evidence)
			o.key("won")
			o.dst = fmt.Append(o.dst, s.Won)
			o.str("why", s.Why)
			dst = append(o.dst, '}')
			continue
		}
		mark := "lost"
		if s.Won {
			mark = "won"
		}
		text := fmt.Sprintf("%s (%s, %s): %q: %s", cmp.Or(s.Rule, "no rule"), s.Tier, s.Reason, s.Evidence, s.Why)
		dst = fmt.Appendf(dst, "  %-9s %s\n", mark, wrap(printable(text), 80-12, 12))
	}
	if asJSON {
		dst = append(dst, "]}\n"...)
	}
	return dst
}

// loadRules reads the rules of a flag.
func loadRules(dir string) (*rules.Set, error) {
	set, err := compose.Rules(dir)
	var wrong rules.Problems
	if errors.As(err, &wrong) {
		return nil, fail(exitConfig, err, "")
	}
	return set, err
}
