package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/jobs"
	"harvester/store"
)

func newIncidents(a *app) *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "incidents",
		Short: "Show what is wrong on your own side, and what mends it",
		Long: `Shows one incident for each cause that receivers hold against you: whom it hit,
the latest reply, and what to do. Nobody is suppressed for these.`,
		Example: "  harvester incidents\n  harvester incidents --all --json",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), true, func(set *jobs.Set) error {
				since := time.Now()
				if all {
					since = time.Time{}
				}
				list, err := set.DB.Incidents(cmd.Context(), since)
				if err != nil {
					return err
				}
				enc, p := json.NewEncoder(a.Out), &page{w: a.Out, zone: set.Config.Timezone.Location()}
				for i := range list {
					if !asJSON {
						p.incident(&list[i], a.colours(a.Out))
					} else if err := enc.Encode(list[i]); err != nil {
						return err
					}
				}
				if len(list) == 0 && !asJSON {
					p.line("no incident is open")
				}
				return p.err
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	cmd.Flags().BoolVar(&all, "all", false, "closed ones, too")
	exits(cmd, exitOK, "the incidents were printed", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

func (p *page) incident(in *store.Incident, c colours) {
	p.line("%s (%s)", c.bold(in.Cause.Title), in.ID)
	state := "open since " + p.stamp(in.Opened)
	if !in.Closed.IsZero() {
		state = fmt.Sprintf("%s to %s", p.stamp(in.Opened), p.stamp(in.Closed))
	}
	p.field("state", fmt.Sprintf("%s, last seen %s, %d failures", state, p.stamp(in.LastSeen), in.Count))
	p.field("at", strings.Join(in.Receivers, ", "))
	p.field("names", strings.Join(in.Named, ", "))
	p.field("reply", in.Sample)
	for i, step := range in.Cause.Steps {
		p.field(fmt.Sprintf("step %d", i+1), step)
	}
	p.field("page", in.Cause.Page)
	p.line("")
}
