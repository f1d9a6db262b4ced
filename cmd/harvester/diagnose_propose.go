package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"harvester/parse/count"
	"harvester/parse/domain"
	"harvester/schedule/diagnose"
)

// printProposal prints a [diagnose] table made from the mail that came back in
// the last 90 days: the domains that it was sent as, the addresses that our own
// servers were refused at, the selectors that signed it.
func (d *diagnoser) printProposal(ctx context.Context) error {
	seen, err := d.set.DB.Incidents.SeenOfUs(ctx, time.Now().AddDate(0, 0, -90))
	if err != nil {
		return err
	}
	var named []diagnose.Sighting
	for _, n := range seen.Named {
		named = append(named, diagnose.Sighting(n))
	}
	s := diagnose.Propose(seen.Domains, named, seen.Selectors, d.checkerOwn())
	return d.buffered(func(w *bytes.Buffer) error {
		fmt.Fprintf(w, "# Made from %s that came back in the last 90 days. Look at it before you use it.\n[diagnose]\n", count.Of(seen.Mails, "mail"))
		list := func(key string, values []string) {
			quoted := make([]string, len(values))
			for i, v := range values {
				quoted[i] = fmt.Sprintf("%q", v)
			}
			if len(values) == 0 {
				fmt.Fprintf(w, "#%s = []\n", key)
			} else {
				fmt.Fprintf(w, "%s = [%s]\n", key, strings.Join(quoted, ", "))
			}
		}
		fmt.Fprintln(w, "watch = true")
		list("domains", s.Domains)
		list("ips", s.IPs)
		list("selectors", s.Selectors)
		list("lists", nil)
		return nil
	})
}

func (d *diagnoser) checkerOwn() []string {
	return domain.Names(d.config.Own())
}
