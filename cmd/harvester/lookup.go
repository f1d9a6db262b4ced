package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/store/policy"
	"harvester/store/query"
)

// exitSuppressed is the answer of lookup, not a failure.
const exitSuppressed = 1

func newLookup(a *app) *cobra.Command {
	var asJSON bool
	var stream string
	cmd := &cobra.Command{
		Use:   "lookup ADDRESS...|-",
		Short: "Say whether addresses must not be mailed, for scripts",
		Long: `Answers for each ADDRESS, or each line of standard input for "-", whether it
stands on the suppression list now. An answer is one line with tabs between its
fields: "suppressed" or "ok", the address, and for a suppressed one the reasons
and for which mail they hold. A line that is no address is answered with
"invalid". Answers come in the order of the questions and as soon as no further
question waits, so that a program can ask through a pipe. "harvester explain"
tells the whole story of one address.`,
		Example: "  harvester lookup jane@example.net >/dev/null && send-mail jane@example.net\n" +
			"  harvester lookup - <list.txt | sed -n 's/^ok\\t//p' >clean.txt",
		Args: args(1, -1),
		RunE: func(cmd *cobra.Command, texts []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				l := lookup{app: a, set: set, stream: stream, show: appendVerdictText, out: bufio.NewWriterSize(a.Out, 64<<10)}
				if asJSON {
					l.show = appendVerdictJSON
				}
				return l.run(cmd.Context(), texts)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().StringVar(&stream, "stream", "", "ask for mail of this `stream` (default: of any)")
	exits(cmd, exitOK, "every address may be mailed", exitSuppressed, "at least one must not be mailed", exitUsage, "the command line is wrong",
		exitData, "a line is no address; the others were answered", exitNoInput, "there is no database yet, or standard input is not readable",
		exitConfig, "the configuration is wrong")
	return cmd
}

// lookup is one run of the command.
type lookup struct {
	app    *app
	set    *compose.Set
	stream string
	show   func([]byte, *query.Verdict) []byte
	out    *bufio.Writer

	suppressed, invalid bool
}

// answers are the verdicts on one batch of questions.
type answers struct {
	verdicts []query.Verdict
	err      error
}

func (l *lookup) run(ctx context.Context, texts []string) error {
	var unread error
	err := ordered(ctx, questions(texts, l.app.In, &unread), func(batch []string) answers {
		verdicts, err := l.set.DB.List.LookupAll(ctx, batch, l.stream)
		return answers{verdicts, err}
	}, l.print)
	switch {
	case err != nil:
		return err
	case unread != nil:
		return fail(exitNoInput, fmt.Errorf("reading addresses: %w", unread), "")
	case l.invalid:
		return fail(exitData, errors.New("not every line is an address"), "write local@domain, one a line")
	case l.suppressed:
		return fail(exitSuppressed, errors.New(""), "")
	}
	return nil
}

func (l *lookup) print(a answers) error {
	if a.err != nil {
		return a.err
	}
	var buf []byte
	for i := range a.verdicts {
		v := &a.verdicts[i]
		l.suppressed = l.suppressed || v.Suppressed
		l.invalid = l.invalid || !policy.IsAddress(v.Address)
		buf = l.show(buf[:0], v)
		if _, err := l.out.Write(buf); err != nil {
			return err
		}
	}
	return l.out.Flush()
}

// questions yields the arguments, and for "-" the lines of in, in batches: as
// many as are there without waiting. It ends early when in can't be read.
func questions(texts []string, in io.Reader, unread *error) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		var batch []string
		ask := func() bool {
			asked := batch
			batch = nil
			return len(asked) == 0 || yield(asked)
		}
		for _, t := range texts {
			if t != "-" {
				if batch = append(batch, t); len(batch) == query.LookupBatch && !ask() {
					return
				}
				continue
			}
			r := bufio.NewReaderSize(in, 256<<10)
			for {
				line, err := r.ReadSlice('\n')
				if errors.Is(err, bufio.ErrBufferFull) {
					line, err = nil, fmt.Errorf("a line is longer than %d bytes", r.Size())
				}
				if line = bytes.TrimSpace(line); len(line) > 0 {
					batch = append(batch, string(line))
				}
				if (len(batch) == query.LookupBatch || r.Buffered() == 0 || err != nil) && !ask() {
					return
				}
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					*unread = err
					return
				}
			}
		}
		ask()
	}
}

func appendVerdictText(b []byte, v *query.Verdict) []byte {
	word := "ok"
	switch {
	case v.Suppressed:
		word = "suppressed"
	case !policy.IsAddress(v.Address):
		word = "invalid" // what "suppress add" refuses, too: two in a line, a name beside it
	}
	b = append(append(append(b, word...), '\t'), printable(v.Address)...)
	for i, e := range v.Entries {
		sep := "; "
		if i == 0 {
			sep = "\t"
		}
		b = append(append(append(append(b, sep...), e.Reason...), ", "...), scopeText(query.Suppression{Scope: e.Scope, Stream: e.Stream})...)
	}
	return append(b, '\n')
}

func appendVerdictJSON(b []byte, v *query.Verdict) []byte {
	line, err := json.Marshal(v)
	if err != nil {
		panic(err) // its values are texts and times
	}
	return append(append(b, line...), '\n')
}
