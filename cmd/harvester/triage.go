package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/parse/bounce"
	"harvester/parse/count"
	"harvester/parse/match"
	"harvester/parse/rules"
	"harvester/store/engine"
	"harvester/store/query"
)

func newTriage(a *app) *cobra.Command {
	var asJSON bool
	var limit, days int
	cmd := &cobra.Command{
		Use:   "triage [ID]",
		Short: "Show what nobody understood, or the original of one message",
		Long: `Groups what was not understood by its wording, the most frequent first: replies
without a known reason, messages that look like failures but name nobody, and
addresses that no mail can have gone to, which are refused.
With the ID of a message its kept original is printed, so that it can be parsed
again.

Each group of replies comes with a rule that would answer it: the phrase, how
many stored replies it stands in, and with what it clashes. "accept" writes it.`,
		Example: "  harvester triage\n  harvester triage 17 | harvester parse --why -\n" +
			"  harvester triage accept 17 --reason user_unknown\n  harvester triage export 17 > sample.eml",
		Args: args(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				if len(args) == 1 {
					return a.original(cmd, set, args[0])
				}
				list, err := set.DB.Notices.Triage(cmd.Context(), time.Now().AddDate(0, 0, -days), limit)
				if err != nil {
					return err
				}
				enc, p := json.NewEncoder(a.Out), &page{w: a.Out, zone: set.Config.Timezone.Location()}
				for i := range list {
					if !asJSON {
						p.cluster(&list[i], set.Rules(), a.colours(a.Out))
					} else if err := enc.Encode(list[i]); err != nil {
						return err
					}
				}
				if len(list) == 0 && !asJSON {
					p.line("everything was understood")
				}
				return p.err
			})
		},
	}
	cmd.AddCommand(newTriageAccept(a), newTriageExport(a))
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().IntVar(&days, "days", 30, "how many `days` to look back")
	cmd.Flags().IntVar(&limit, "limit", 20, "how `many` groups to list")
	exits(cmd, exitOK, "the list or the original was printed", exitUsage, "there is no such original",
		exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

func (a *app) original(cmd *cobra.Command, set *compose.Set, text string) error {
	raw, err := a.kept(cmd, set, text)
	if err != nil {
		return err
	}
	_, err = a.Out.Write(raw)
	return err
}

// kept is the kept original of a message by its number.
func (a *app) kept(cmd *cobra.Command, set *compose.Set, text string) ([]byte, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fail(exitUsage, fmt.Errorf("%q is not the number of a message", text), "harvester triage shows the numbers")
	}
	raw, err := set.DB.Notices.Raw(cmd.Context(), id)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, fail(exitUsage, err, "harvester triage shows the numbers")
	}
	return raw, err
}

func (p *page) cluster(x *query.Cluster, pack *rules.Set, c colours) {
	from := ""
	if x.Vendor != "" {
		from += ", said by " + x.Vendor
	}
	if x.Dialect != "" {
		from += ", laid out by " + x.Dialect
	}
	p.line("%s %s, %s, %s to %s%s", c.bold(strconv.Itoa(x.Count)), x.Kind, count.Of(x.Domains, "domain"), p.day(x.First), p.day(x.Last), from)
	p.field("text", x.Template)
	ids := make([]string, len(x.Messages))
	for i, id := range x.Messages {
		ids[i] = strconv.FormatInt(id, 10)
	}
	p.field("ids", strings.Join(ids, " "))
	if x.Kind != bounce.Unclassified.String() || x.Phrase == "" {
		return
	}
	p.field("phrase", x.Phrase)
	for _, h := range x.Hits {
		if h.Reason == x.Kind {
			p.field("hits", fmt.Sprintf("%s without a meaning", count.Of(h.N, "reply")))
		} else {
			p.field("clashes", fmt.Sprintf("the phrase stands in %s that mean %s (%s)", count.Of(h.N, "reply"), h.Reason, h.Rule))
		}
	}
	for _, id := range examplesWith(pack, x.Phrase) {
		p.field("clashes", "the phrase stands in an example of the rule "+id)
	}
	p.field("accept", fmt.Sprintf("harvester triage accept %s --reason REASON", ids[0]))
}

// examplesWith are the rules of which an example holds a phrase.
func examplesWith(pack *rules.Set, phrase string) (ids []string) {
	folded := match.FoldString(phrase)
	for _, r := range pack.Rules() {
		if slices.ContainsFunc(r.Examples, func(text string) bool { return strings.Contains(match.FoldString(text), folded) }) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}
