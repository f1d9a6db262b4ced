package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"harvester/store/export"
)

func listmonk() Service {
	return Service{
		Name:     "listmonk",
		For:      "listmonk, its bounce webhook",
		Settings: "url: of the installation; user and key: an API user with the right webhooks:post_bounce and its token, and for removals subscribers:get_all, subscribers:sql_query, subscribers:manage and bounces:manage. Bounce processing and its webhook must be switched on in listmonk's settings.",
		Removal:  "By its API: the bounces are taken off the subscriber, and one that is blocklisted is enabled. Lists that blocklisting unsubscribed stay so. Without the rights it stays there, and is listed as refused.",
		Evidence: "source of knadh/listmonk (2026-07), POST /webhooks/bounce; docs of its API, subscribers and bounces; unverified: removals were never tried against it",
		Loses: []string{"unsubscribes are left out: the webhook knows only hard, soft and complaint", "listmonk's own thresholds decide when a subscriber is blocked: set hard and complaint to 1",
			"an address that is no subscriber is not kept: for later sign-ups use the profile listmonk", "operator's decisions become hard bounces",
			"a subscriber that somebody blocklisted by hand, too, can't be told from one that bounced"},
		Batch: 1, Rate: 20,
		profile: "listmonk", needs: []string{"url", "user", "key"}, replaces: true,
		list: func(k export.Kind) string {
			switch k {
			case export.Unsubscribe:
				return ""
			case export.SoftBounce:
				return "soft"
			case export.Complaint:
				return "complaint"
			case export.HardBounce, export.Manual:
			}
			return "hard"
		},
		authorize: basic,
		add: each(func(ctx context.Context, c *conn, list string, i *Item) error {
			_, err := c.json(ctx, http.MethodPost, "/webhooks/bounce", map[string]string{"email": i.Name, "source": "harvester", "type": list})
			return err
		}),
		remove: func(ctx context.Context, c *conn, _ string, items []Item) ([]string, error) {
			refused := make([]string, len(items))
			for i := range items {
				var no *Refusal
				switch err := unblock(ctx, c, items[i].Name); {
				case errors.As(err, &no) && (no.Status == http.StatusForbidden || no.Status == http.StatusUnauthorized):
					refused[i] = "the API user may not enable subscribers: " + no.Error() // what it may do goes on
				case err != nil:
					return nil, err
				}
			}
			return refused, nil
		},
	}
}

func mautic() Service {
	const unsubscribed, bounced, manual = "1", "2", "3" // reasons of Mautic's do-not-contact
	return Service{
		Name:     "mautic",
		For:      "Mautic, do not contact by mail",
		Settings: "url: of the installation; user and key: an API user (basic authentication switched on) and its password.",
		Removal:  "POST /api/contacts/ID/dnc/email/remove.",
		Evidence: "source of mautic/mautic (2026); unverified: that contacts/new finds a contact by its address instead of making a second one",
		Loses:    []string{"complaints and unsubscribes are one reason, Unsubscribed", "a contact is made where there is none, so that a later sign-up stays blocked"},
		Batch:    1, Rate: 5,
		profile: "mautic", needs: []string{"url", "user", "key"}, replaces: true,
		list: func(k export.Kind) string {
			switch k {
			case export.Complaint, export.Unsubscribe:
				return unsubscribed
			case export.Manual:
				return manual
			case export.SoftBounce, export.HardBounce:
			}
			return bounced
		},
		authorize: basic,
		add: each(func(ctx context.Context, c *conn, list string, i *Item) error {
			return doNotContact(ctx, c, i.Name, "add", map[string]string{"reason": list, "comments": i.Kind.String() + ": " + i.Why()})
		}),
		remove: each(func(ctx context.Context, c *conn, _ string, i *Item) error {
			return doNotContact(ctx, c, i.Name, "remove", nil)
		}),
	}
}

// doNotContact finds or makes the contact, then adds or lifts its block.
func doNotContact(ctx context.Context, c *conn, address, act string, what map[string]string) error {
	said, err := c.json(ctx, http.MethodPost, "/api/contacts/new", map[string]string{"email": address})
	if err != nil {
		return err
	}
	var answer struct {
		Contact struct{ ID int64 }
	}
	if err := json.Unmarshal(said, &answer); err != nil {
		return fmt.Errorf("reading Mautic's answer: %w", err)
	}
	if answer.Contact.ID == 0 {
		return errors.New("reading Mautic's answer: it names no contact")
	}
	_, err = c.json(ctx, http.MethodPost, "/api/contacts/"+strconv.FormatInt(answer.Contact.ID, 10)+"/dnc/email/"+act, what)
	return err
}
