package push

import (
	"context"
	"net/http"

	"harvester/store/export"
)

func ses() Service {
	return Service{
		Name:     "ses",
		For:      "Amazon SES v2, account-level suppression list of one Region",
		Settings: "list: the Region (eu-central-1); user: the access key's id; key: the secret access key. The key needs ses:PutSuppressedDestination and ses:DeleteSuppressedDestination.",
		Removal:  "DeleteSuppressedDestination.",
		Evidence: "docs.aws.amazon.com/ses/latest/APIReference-V2, PutSuppressedDestination; unverified: ten calls a second. A first push of a long list is quicker by the profile ses and create-import-job",
		Loses:    []string{"unsubscribes are left out: SES knows only BOUNCE and COMPLAINT", "operator's decisions become BOUNCE", "an entry blocks only if its reason is switched on for the account"},
		URL:      "https://email.REGION.amazonaws.com",
		Batch:    1, Rate: 10,
		profile: "ses", needs: []string{"list", "user", "key"}, replaces: true,
		list: func(k export.Kind) string {
			switch k {
			case export.Unsubscribe:
				return ""
			case export.Complaint:
				return "COMPLAINT"
			case export.SoftBounce, export.HardBounce, export.Manual:
			}
			return "BOUNCE"
		},
		authorize: func(r *http.Request, s *Settings, body []byte) {
			signV4(r, body, s.User, s.Key, s.List, "ses", s.now())
		},
		add: each(func(ctx context.Context, c *conn, list string, i *Item) error {
			_, err := c.json(ctx, http.MethodPut, "/v2/email/suppression/addresses", map[string]string{"EmailAddress": i.Name, "Reason": list})
			return err
		}),
		remove: each(func(ctx context.Context, c *conn, _ string, i *Item) error {
			return c.delete(ctx, "/v2/email/suppression/addresses/"+escape(i.Name))
		}),
	}
}
