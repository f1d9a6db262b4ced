package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"

	"github.com/spf13/cobra"

	"harvester/harvest"
	"harvester/harvest/file"
	"harvester/parse"
)

func newParse(a *app) *cobra.Command {
	var asJSON, why bool
	var rulesDir string
	cmd := &cobra.Command{
		Use:   "parse PATH...",
		Short: "Say what mails report: who failed, why, whose fault",
		Long: `Understands files, directories, Maildirs and mbox files, or standard input
when PATH is "-". Needs no configuration and no database, changes nothing.`,
		Example: "  harvester parse bounce.eml\n  harvester parse --why ~/Maildir/.Bounces\n  harvester parse --json archive.mbox | jq .recipients",
		Args:    args(1, -1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			set, err := loadRules(rulesDir)
			if err != nil {
				return err
			}
			p := &parsing{app: a, opt: &parse.Options{Rules: set}, show: showText(why, a.colours(a.Out))}
			if asJSON {
				p.show = showJSON
			}
			return p.run(cmd.Context(), paths)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line for each message")
	cmd.Flags().BoolVar(&why, "why", false, "show the reply, the words that matched and the rule")
	cmd.Flags().StringVar(&rulesDir, "rules", "", "`folder` with rules of your own, beside the built-in ones")
	exits(cmd, exitOK, "every mail was read", exitUsage, "the command line is wrong",
		exitData, "there was no mail to read", exitNoInput, "a PATH does not exist or is not readable")
	return cmd
}

// parsing is one run of the command parse.
type parsing struct {
	*app
	opt  *parse.Options
	show func(dst []byte, file string, res *parse.Result) []byte

	asked   []string
	read    int  // messages
	missing bool // a path is not there or not readable
	kinds   map[parse.Kind]int
}

// batch is what is parsed in one go: enough messages that passing them on
// costs nothing.
type batch struct {
	messages []harvest.Message
	faults   []fault
	kinds    []parse.Kind
	bytes    int // of the messages
	out      []byte
}

// fault is a path that can't be read.
type fault struct {
	path string
	err  error
}

const (
	batchMessages = 64      // that are parsed in one go
	batchBytes    = 1 << 20 // of mail that is parsed in one go
)

func (p *parsing) run(ctx context.Context, paths []string) error {
	p.asked, p.kinds = paths, map[parse.Kind]int{}
	w := bufio.NewWriterSize(p.Out, 256<<10)
	shown := p.progress(ctx, "messages", paths)
	defer shown.end()
	var bytes int64
	if terminal(p.Out) {
		shown.on = false // what was read shows there
	}
	walk := file.Walk(ctx, paths, file.Options{Stdin: p.In})
	err := ordered(ctx, batches(walk), p.parse, func(b *batch) error {
		for _, f := range b.faults {
			shown.clear()
			p.failed(f)
		}
		p.read += len(b.messages)
		for _, k := range b.kinds {
			p.kinds[k]++
		}
		bytes += int64(b.bytes)
		shown.set(p.read, bytes)
		_, err := w.Write(b.out)
		return err
	})
	shown.clear()
	if flush := w.Flush(); err == nil {
		err = flush
	}
	switch {
	case err != nil:
		return err
	case p.missing:
		return fail(exitNoInput, errors.New(""), "")
	case p.read == 0:
		return fail(exitData, errors.New("there is no mail to read"), "PATH is a mail, an mbox, a Maildir or a directory of them; - is standard input")
	}
	return nil
}

func batches(walk iter.Seq2[harvest.Message, error]) iter.Seq[*batch] {
	return func(yield func(*batch) bool) {
		b := &batch{}
		for m, err := range walk {
			if err != nil {
				b.faults = append(b.faults, fault{m.Name, err})
				continue
			}
			b.messages = append(b.messages, m)
			if b.bytes += len(m.Raw); len(b.messages) == batchMessages || b.bytes >= batchBytes {
				if !yield(b) {
					return
				}
				b = &batch{}
			}
		}
		yield(b)
	}
}

func (p *parsing) parse(b *batch) *batch {
	for i := range b.messages {
		m := &b.messages[i]
		res := parse.Parse(m.Raw, p.opt)
		if m.Truncated {
			res.Notes = append(res.Notes, fmt.Sprintf("only the first %d of %d bytes were read", len(m.Raw), m.Size))
		}
		b.kinds = append(b.kinds, res.Kind)
		b.out = p.show(b.out, m.Name, &res)
		m.Raw = nil
	}
	return b
}

// failed reports a path that can't be read. Files that lie among mail and are
// something else are passed over.
func (p *parsing) failed(f fault) {
	if errors.Is(f.err, context.Canceled) || errors.Is(f.err, file.ErrNotMail) && !slices.Contains(p.asked, f.path) {
		return
	}
	if errors.Is(f.err, fs.ErrNotExist) || errors.Is(f.err, fs.ErrPermission) {
		p.missing = true
	}
	p.printError(f.err)
}
