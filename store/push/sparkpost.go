package push

import (
	"context"
	"errors"
	"net/http"

	"harvester/store/export"
)

func sparkpost() Service {
	type recipient struct {
		Recipient   string `json:"recipient"`
		Type        string `json:"type"`
		Description string `json:"description"`
	}
	const all, marketing = "transactional and non_transactional", "non_transactional"
	return Service{
		Name:     "sparkpost",
		For:      "SparkPost (Bird), suppression list of the account or of one subaccount",
		Settings: "list: the number of a subaccount; empty: the account itself; key: an API key; url: https://api.eu.sparkpost.com for accounts in the EU.",
		Removal:  "DELETE, one at a time; entries of source Compliance stay.",
		Evidence: "developers.sparkpost.com/api/suppression-list; 10,000 entries a call, two for an address that is blocked for all mail",
		Loses:    []string{"kind and dates: the reason stands in the description only"},
		URL:      "https://api.sparkpost.com",
		Batch:    5000, Rate: 2,
		profile: "sparkpost", needs: []string{"key"},
		list: func(k export.Kind) string {
			if k == export.Unsubscribe {
				return marketing
			}
			return all
		},
		authorize: func(r *http.Request, s *Settings, _ []byte) {
			r.Header.Set("Authorization", s.Key)
			if s.List != "" {
				r.Header.Set("X-MSYS-SUBACCOUNT", s.List)
			}
		},
		add: func(ctx context.Context, c *conn, list string, items []Item) ([]string, error) {
			var out []recipient
			for i := range items {
				text := items[i].Kind.String() + ": " + items[i].Why()
				if list == all {
					out = append(out, recipient{items[i].Name, "transactional", text})
				}
				out = append(out, recipient{items[i].Name, "non_transactional", text})
			}
			_, err := c.json(ctx, http.MethodPut, "/api/v1/suppression-list", map[string][]recipient{"recipients": out})
			return nil, err
		},
		remove: func(ctx context.Context, c *conn, _ string, items []Item) ([]string, error) {
			refused := make([]string, len(items))
			for i := range items {
				err := c.delete(ctx, "/api/v1/suppression-list/"+escape(items[i].Name))
				var no *Refusal
				if errors.As(err, &no) && no.Status == http.StatusForbidden { // of source Compliance
					refused[i], err = no.Error(), nil
				}
				if err != nil {
					return nil, err
				}
			}
			return refused, nil
		},
	}
}
