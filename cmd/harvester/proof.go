package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/parse/count"
	"harvester/store/policy"
	"harvester/store/query"
)

func newProof(a *app) *cobra.Command {
	var asJSON bool
	var days int
	cmd := &cobra.Command{
		Use:   "proof",
		Short: "Say how well the failures are proven, and what raises that",
		Long: `Anybody can write to the address that failures come back to. Says which level
of proof (docs/proof.md) the addresses reach that failed for good or complained,
what each level would leave of them, how many entries of the list rest on what
anybody can write, and what raises the level.`,
		Example: "  harvester proof\n  harvester proof --days 0",
		Args:    args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 0 {
				return fail(exitUsage, fmt.Errorf("--days %d: not below 0", days), "0 looks at all that is stored")
			}
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				l, err := set.DB.Reports.Levels(cmd.Context(), days)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(a.Out).Encode(provenView{l, l.Met(), append([]string{}, l.Advice(set.Config.Proof)...)})
				}
				return a.printProof(&l, set.Config.Proof)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().IntVar(&days, "days", query.LevelDays, "how many `days` to look back; 0 for all")
	exits(cmd, exitOK, "it was said", exitUsage, "the command line is wrong", exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

// provenView is what JSON prints.
type provenView struct {
	query.Levels
	Met    policy.Proof `json:"met"`
	Advice []string     `json:"advice"`
}

func (a *app) printProof(l *query.Levels, asked policy.Proof) error {
	p := &page{w: a.Out}
	const row = "%-10s  %10v  %9v  %7s"
	p.line(row, "LEVEL", "ADDRESSES", "ENTRIES", "LEAVES")
	for _, level := range [...]policy.Proof{policy.ProofSigned, policy.ProofLedger, policy.ProofAuthentic, policy.ProofReturned} {
		p.line(row, level, count.Number(l.Failed[level]), count.Number(l.Listed[level]), fmt.Sprintf("%.0f %%", 100*l.Share(level)))
	}
	for i, line := range l.Advice(asked) {
		if i == 0 {
			p.line("")
		}
		p.line("%s", wrap(line, 78, 2))
	}
	return p.err
}
