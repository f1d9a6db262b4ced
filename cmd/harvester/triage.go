package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/jobs"
	"harvester/store"
)

func newTriage(a *app) *cobra.Command {
	var asJSON bool
	var limit, days int
	cmd := &cobra.Command{
		Use:   "triage [ID]",
		Short: "Show what nobody understood, or the original of one message",
		Long: `Groups what was not understood by its wording, the most frequent first: replies
without a known reason, and messages that look like failures but name nobody.
With the ID of a message its kept original is printed, so that it can be parsed
again or sent in.`,
		Example: "  harvester triage\n  harvester triage 17 | harvester parse --why -",
		Args:    args(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), true, func(set *jobs.Set) error {
				if len(args) == 1 {
					return a.original(cmd, set, args[0])
				}
				list, err := set.DB.Triage(cmd.Context(), time.Now().AddDate(0, 0, -days), limit)
				if err != nil {
					return err
				}
				enc, p := json.NewEncoder(a.Out), &page{w: a.Out, zone: set.Config.Timezone.Location()}
				for i := range list {
					if !asJSON {
						p.cluster(&list[i], a.colours(a.Out))
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
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().IntVar(&days, "days", 30, "how many `days` to look back")
	cmd.Flags().IntVar(&limit, "limit", 20, "how `many` groups to list")
	exits(cmd, exitOK, "the list or the original was printed", exitUsage, "there is no such original",
		exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

func (a *app) original(cmd *cobra.Command, set *jobs.Set, text string) error {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fail(exitUsage, fmt.Errorf("%q is not the number of a message", text), "harvester triage shows the numbers")
	}
	raw, err := set.DB.Raw(cmd.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return fail(exitUsage, err, "harvester triage shows the numbers")
	}
	if err != nil {
		return err
	}
	_, err = a.Out.Write(raw)
	return err
}

func (p *page) cluster(x *store.Cluster, c colours) {
	from := ""
	if x.Vendor != "" {
		from += ", said by " + x.Vendor
	}
	if x.Dialect != "" {
		from += ", laid out by " + x.Dialect
	}
	p.line("%s %s, %d domains, %s to %s%s", c.bold(strconv.Itoa(x.Count)), x.Kind, x.Domains, p.day(x.First), p.day(x.Last), from)
	p.field("text", x.Template)
	if x.Kind == "unclassified" {
		p.field("phrase", x.Phrase)
	}
	for _, h := range x.Hits {
		if h.Reason != x.Kind {
			p.field("clashes", fmt.Sprintf("the phrase stands in %d replies that mean %s (%s)", h.N, h.Reason, h.Rule))
		}
	}
	ids := make([]string, len(x.Messages))
	for i, id := range x.Messages {
		ids[i] = strconv.FormatInt(id, 10)
	}
	p.field("ids", strings.Join(ids, " "))
}
