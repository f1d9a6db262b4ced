package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"harvester/cmd/harvester/compose"
	"harvester/store/engine"
	"harvester/store/policy"
	"harvester/store/query"
)

func newExplain(a *app) *cobra.Command {
	var asJSON, whyNot bool
	cmd := &cobra.Command{
		Use:   "explain ADDRESS|ID",
		Short: "Say why an address is, or is not, on the list",
		Long: `Shows all that is stored about an address: every event with the words that
matched (>>marked<< in the reply), the rule and what it beat, whom and what the
proof rests on, the policy line, the counters, holds, what the operator decided,
the exports that carry it, and what would change the verdict.

ID is what these pages print: event:17, message:12, the Message-ID of a notice
or of a mail that failed (<...>), or an incident (spf:example.org).

With --why-not it only says what keeps an address off the list.`,
		Example: "  harvester explain jane@example.net\n  harvester explain --why-not jane@example.net\n  harvester explain event:17 --json",
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), true, func(set *compose.Set) error {
				e := &explainer{app: a, set: set, json: asJSON, whyNot: whyNot}
				return a.buffered(func(w *bytes.Buffer) error {
					e.page = page{w: w, zone: set.Config.Timezone.Location()}
					return errors.Join(e.explain(cmd.Context(), args[0]), e.err)
				})
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON; of a message, one object a line")
	cmd.Flags().BoolVar(&whyNot, "why-not", false, "only what keeps the address off the list")
	exits(cmd, exitOK, "it was explained; an address may be unknown", exitUsage, "the command line is wrong, or there is no such ID",
		exitNoInput, "there is no database yet", exitConfig, "the configuration is wrong")
	return cmd
}

// explainer answers one command line.
type explainer struct {
	*app
	page
	set    *compose.Set
	json   bool
	whyNot bool
}

// explain finds out what the name stands for.
func (e *explainer) explain(ctx context.Context, name string) error {
	kind, number, _ := strings.Cut(name, ":")
	id, err := strconv.ParseInt(number, 10, 64)
	switch {
	case kind == "event" && err == nil:
		message, err := e.set.DB.Notices.NoticeOf(ctx, id)
		if err != nil {
			return unknownID(err)
		}
		return e.notice(ctx, message, id)
	case kind == "message" && err == nil:
		return e.notice(ctx, id, 0)
	case strings.HasPrefix(name, "<"):
		ids, err := e.set.DB.Notices.NoticesWith(ctx, name)
		if err != nil || len(ids) > 0 {
			return errors.Join(err, e.notices(ctx, ids))
		}
		return e.address(ctx, name) // perhaps one in brackets
	case strings.Contains(name, "@"):
		return e.address(ctx, name)
	}
	if _, err := incidentsOf(ctx, e.set, name, 0); err != nil {
		return fail(exitUsage, fmt.Errorf("%q is neither an address nor the id of an event, a message or an incident", name),
			"write local@domain, event:N, message:N, <Message-ID>, or an id of harvester incidents")
	}
	return showCause(ctx, e.set, &e.page, e.colours(e.Out), name, false, e.json)
}

func unknownID(err error) error {
	if errors.Is(err, engine.ErrNotFound) {
		return fail(exitUsage, err, "harvester explain ADDRESS shows the numbers")
	}
	return err
}

// address explains one address.
func (e *explainer) address(ctx context.Context, address string) error {
	x, err := e.set.DB.List.Explain(ctx, address, e.set.Carried())
	if err != nil {
		return err
	}
	// What mails name may be no address, and is explained all the same.
	if bare := strings.TrimSuffix(strings.TrimPrefix(address, "<"), ">"); !policy.IsAddress(bare) && len(x.Events)+len(x.Overrides)+len(x.Listed) == 0 {
		return fail(exitUsage, fmt.Errorf("%q is no address, and nothing is stored under it", address), "write local@domain")
	}
	return e.show(&x)
}

func (e *explainer) notices(ctx context.Context, ids []int64) error {
	for _, id := range ids {
		if err := e.notice(ctx, id, 0); err != nil {
			return err
		}
	}
	return nil
}

// notice explains a message with the verdict on each recipient that it names,
// or on that of one event.
func (e *explainer) notice(ctx context.Context, id, event int64) error {
	n, err := e.set.DB.Notices.Notice(ctx, id)
	if err != nil {
		return unknownID(err)
	}
	if event == 0 {
		if err := e.showNotice(&n); err != nil {
			return err
		}
	}
	for _, r := range n.Recipients {
		if event != 0 && r.Event != event {
			continue
		}
		if r.Address == "" {
			e.line("event %d names nobody, or somebody who was forgotten", r.Event)
			continue
		}
		x, err := e.set.DB.List.Explain(ctx, r.Address, e.set.Carried())
		if err != nil {
			return err
		}
		x.Events = slices.DeleteFunc(x.Events, func(o query.ExplainedEvent) bool { return o.ID != r.Event })
		if err := e.show(&x); err != nil {
			return err
		}
	}
	return nil
}

func (e *explainer) showNotice(n *query.Notice) error {
	if e.json {
		return json.NewEncoder(e.w).Encode(n)
	}
	e.line("%s: %s", e.colours(e.Out).bold(fmt.Sprintf("message %d", n.ID)), n.Kind)
	e.field("came in", e.stamp(n.At))
	e.field("layout", n.Dialect)
	e.field("known by", n.Hint)
	e.field("from", n.From)
	e.field("to", n.DeliveredTo)
	e.field("subject", n.Subject)
	e.field("id", n.MessageID)
	e.field("said by", n.ReportingMTA)
	e.field("rules", cmp.Or(n.RulePack, "-"))
	for _, note := range n.Notes {
		e.field("repaired", note)
	}
	for _, place := range n.Places {
		e.field("found at", place.String())
	}
	if len(n.Recipients) == 0 {
		e.line("It names nobody.")
	}
	e.line("")
	return nil
}

func (e *explainer) show(x *query.Explanation) error {
	v := explanation{Explanation: x}
	for i := range x.Events {
		v.Events = append(v.Events, e.eventView(&x.Events[i]))
	}
	if e.json {
		return json.NewEncoder(e.w).Encode(v)
	}
	e.text(&v)
	return nil
}
