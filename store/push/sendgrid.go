package push

import (
	"context"
	"net/http"
)

func sendgrid() Service {
	path := func(s *Settings) string {
		if s.List == "" {
			return "/v3/asm/suppressions/global"
		}
		return "/v3/asm/groups/" + escape(s.List) + "/suppressions"
	}
	return Service{
		Name:     "sendgrid",
		For:      "SendGrid, global unsubscribes or one unsubscribe group",
		Settings: "list: the number of an unsubscribe group; empty: global unsubscribes; key: an API key with access to Unsubscribe Groups.",
		Removal:  "DELETE, one at a time.",
		Evidence: "twilio.com/docs/sendgrid/api-reference, suppressions-global-suppressions; unverified: 1,000 addresses a call",
		Loses:    []string{"every reason: SendGrid lets nobody write its bounce list, so bounces and complaints become unsubscribes"},
		URL:      "https://api.sendgrid.com",
		Batch:    1000, Rate: 5,
		profile: "sendgrid", needs: []string{"key"}, list: one, authorize: bearer,
		add: func(ctx context.Context, c *conn, _ string, items []Item) ([]string, error) {
			_, err := c.json(ctx, http.MethodPost, path(c.s), map[string][]string{"recipient_emails": names(items)})
			return nil, err
		},
		remove: each(func(ctx context.Context, c *conn, _ string, i *Item) error {
			return c.delete(ctx, path(c.s)+"/"+escape(i.Name))
		}),
	}
}
