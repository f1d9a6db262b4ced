package push

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

func postmark() Service {
	type entry struct{ EmailAddress string }
	type verdict struct{ EmailAddress, Status, Message string }
	ask := func(what string) tell {
		return func(ctx context.Context, c *conn, _ string, items []Item) ([]string, error) {
			entries := make([]entry, len(items))
			for i := range items {
				entries[i].EmailAddress = items[i].Name
			}
			said, err := c.json(ctx, http.MethodPost, "/message-streams/"+escape(c.s.List)+"/suppressions"+what, map[string][]entry{"Suppressions": entries})
			if err != nil {
				return nil, err
			}
			var answer struct{ Suppressions []verdict }
			if err := json.Unmarshal(said, &answer); err != nil {
				return nil, fmt.Errorf("reading Postmark's answer: %w", err)
			}
			refused := make([]string, len(items))
			for i := range items {
				for _, v := range answer.Suppressions {
					if v.Status == "Failed" && strings.EqualFold(v.EmailAddress, items[i].Name) {
						refused[i] = cmp.Or(v.Message, "Failed")
					}
				}
			}
			return refused, nil
		}
	}
	return Service{
		Name:     "postmark",
		For:      "Postmark, suppressions of one message stream",
		Settings: "list: the message stream (outbound); key: the server's API token.",
		Removal:  "By the same call; complaints stay.",
		Evidence: "postmarkapp.com/developer/api/suppressions-api; unverified: 50 addresses a call",
		Loses:    []string{"every reason: Postmark records ManualSuppression"},
		URL:      "https://api.postmarkapp.com",
		Batch:    50, Rate: 5,
		profile: "postmark", needs: []string{"list", "key"}, list: one,
		authorize: func(r *http.Request, s *Settings, _ []byte) {
			r.Header.Set("X-Postmark-Server-Token", s.Key)
			r.Header.Set("Accept", "application/json")
		},
		add: ask(""), remove: ask("/delete"),
	}
}
