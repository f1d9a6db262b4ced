package push

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"harvester/store/export"
)

func resend() Service {
	return Service{
		Name:     "resend",
		For:      "Resend, suppressions of the account",
		Settings: "key: an API key with full access.",
		Removal:  "DELETE, one at a time.",
		Evidence: "resend.com/changelog/suppression-list-support (suppressions/batch/add, 100 addresses a call); unverified: never tried against the service, and removal by DELETE /suppressions/ADDRESS is taken from the shape of its other calls",
		Loses:    []string{"every reason"},
		URL:      "https://api.resend.com",
		Batch:    100, Rate: 2,
		profile: "email", needs: []string{"key"}, list: one, authorize: bearer,
		add: func(ctx context.Context, c *conn, _ string, items []Item) ([]string, error) {
			_, err := c.json(ctx, http.MethodPost, "/suppressions/batch/add", map[string][]string{"emails": names(items)})
			return nil, err
		},
		remove: each(func(ctx context.Context, c *conn, _ string, i *Item) error {
			return c.delete(ctx, "/suppressions/"+escape(i.Name))
		}),
	}
}

func mailjet() Service {
	return Service{
		Name:     "mailjet",
		For:      "Mailjet, contacts excluded from campaigns",
		Settings: "user and key: the API key and its secret.",
		Removal:  "PUT with IsExcludedFromCampaigns false.",
		Evidence: "dev.mailjet.com, /v3/REST/contact (IsExcludedFromCampaigns); unverified: never tried against the service",
		Loses:    []string{"every reason", "marketing alone: transactional mail still goes there", "a contact is made where there is none"},
		URL:      "https://api.mailjet.com",
		Batch:    1, Rate: 5,
		profile: "email", needs: []string{"user", "key"}, list: one, authorize: basic,
		add: each(func(ctx context.Context, c *conn, _ string, i *Item) error {
			excluded := map[string]any{"IsExcludedFromCampaigns": true}
			_, err := c.json(ctx, http.MethodPut, "/v3/REST/contact/"+escape(i.Name), excluded)
			var no *Refusal
			if errors.As(err, &no) && no.Status == http.StatusNotFound {
				excluded["Email"] = i.Name
				_, err = c.json(ctx, http.MethodPost, "/v3/REST/contact", excluded)
			}
			return err
		}),
		remove: each(func(ctx context.Context, c *conn, _ string, i *Item) error {
			_, err := c.json(ctx, http.MethodPut, "/v3/REST/contact/"+escape(i.Name), map[string]any{"IsExcludedFromCampaigns": false})
			return gone(err)
		}),
	}
}

func scaleway() Service {
	header := func(r *http.Request, s *Settings, _ []byte) { r.Header.Set("X-Auth-Token", s.Key) }
	const path = "/transactional-email/v1alpha1/regions/fr-par/blocklists"
	return Service{
		Name:     "scaleway",
		For:      "Scaleway Transactional Email, blocklist of one domain",
		Settings: "list: the id of the domain; key: the secret key of an API key with TransactionalEmailFullAccess.",
		Removal:  "DELETE by the entry's id, which is looked up, one at a time.",
		Evidence: "scaleway.com/en/developers/api/transactional-email (blocklists, v1alpha1); unverified: never tried against the service, and 100 addresses a call",
		Loses:    []string{"every reason but the kind: mailbox_full for soft bounces, mailbox_not_found for all others", "one Region, fr-par, is all that the service has"},
		URL:      "https://api.scaleway.com",
		Batch:    100, Rate: 5,
		profile: "email", needs: []string{"list", "key"}, replaces: true, authorize: header,
		list: func(k export.Kind) string {
			if k == export.SoftBounce {
				return "mailbox_full"
			}
			return "mailbox_not_found"
		},
		add: func(ctx context.Context, c *conn, list string, items []Item) ([]string, error) {
			_, err := c.json(ctx, http.MethodPost, path, map[string]any{"domain_id": c.s.List, "emails": names(items), "type": list, "reason": "harvester"})
			return nil, err
		},
		remove: each(func(ctx context.Context, c *conn, _ string, i *Item) error {
			said, err := c.send(ctx, request{method: http.MethodGet, path: path + "?" + url.Values{"domain_id": {c.s.List}, "email": {i.Name}}.Encode()})
			if err != nil {
				return err
			}
			var answer struct {
				Blocklists []struct{ ID, Email string }
			}
			if err := json.Unmarshal(said, &answer); err != nil {
				return fmt.Errorf("reading Scaleway's answer: %w", err)
			}
			for _, b := range answer.Blocklists {
				if b.Email == i.Name {
					if err := c.delete(ctx, path+"/"+escape(b.ID)); err != nil {
						return err
					}
				}
			}
			return nil
		}),
	}
}

func azure() Service {
	const version = "?api-version=2023-06-01-preview"
	path := func(s *Settings, i *Item) string {
		return s.List + "/suppressionListAddresses/" + addressID(i.Name) + version
	}
	return Service{
		Name: "azure",
		For:  "Azure Communication Services Email, one suppression list of a domain",
		Settings: "list: the resource ID of the list, as az resource show prints it: /subscriptions/… to …/suppressionLists/NAME; " +
			"key: an access token of Azure Resource Manager (az account get-access-token), which lasts an hour: key = \"exec:…\" runs a command that prints one (az account get-access-token).",
		Removal:  "DELETE, one at a time.",
		Evidence: "learn.microsoft.com/rest/api/communication, Suppression List Addresses 2023-06-01-preview; unverified: never tried against the service",
		Loses:    []string{"every reason but a note", "a list holds for one sender name of the domain"},
		URL:      "https://management.azure.com",
		Batch:    1, Rate: 2,
		profile: "ses", needs: []string{"list", "key"}, list: one, authorize: bearer,
		add: each(func(ctx context.Context, c *conn, _ string, i *Item) error {
			_, err := c.json(ctx, http.MethodPut, path(c.s, i), map[string]any{"properties": map[string]string{"email": i.Name, "notes": "harvester: " + i.Why()}})
			return err
		}),
		remove: each(func(ctx context.Context, c *conn, _ string, i *Item) error { return c.delete(ctx, path(c.s, i)) }),
	}
}

// addressID is an id of ours for an address, in the form of a UUID, the same
// each time: what is told again replaces itself.
func addressID(name string) string {
	sum := sha256.Sum256([]byte("harvester suppression " + name))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // RFC 9562, version 8
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// gone takes what the target does not have for taken off.
func gone(err error) error {
	var no *Refusal
	if errors.As(err, &no) && no.Status == http.StatusNotFound {
		return nil
	}
	return err
}

// subscriber is what listmonk knows of one.
type subscriber struct {
	ID      int64           `json:"id"`
	Email   string          `json:"email"`
	Name    string          `json:"name"`
	Status  string          `json:"status"`
	Attribs json.RawMessage `json:"attribs"`
	Lists   []struct {
		ID int64 `json:"id"`
	} `json:"lists"`
}

// unblock enables a subscriber of listmonk that was blocked for its bounces,
// and takes those off it. It stays in its lists as it is there: opt-outs too.
func unblock(ctx context.Context, c *conn, address string) error {
	query := "subscribers.email = '" + strings.ReplaceAll(address, "'", "''") + "'"
	said, err := c.send(ctx, request{method: http.MethodGet, path: "/api/subscribers?" + url.Values{"query": {query}}.Encode()})
	if err != nil {
		return err
	}
	var answer struct {
		Data struct {
			Results []subscriber `json:"results"`
		} `json:"data"`
	}
	if err := json.Unmarshal(said, &answer); err != nil {
		return fmt.Errorf("reading listmonk's answer: %w", err)
	}
	for _, s := range answer.Data.Results {
		if s.Email != address {
			continue
		}
		path := fmt.Sprintf("/api/subscribers/%d", s.ID)
		if err := c.delete(ctx, path+"/bounces"); err != nil { // else the next one would count with them
			return err
		}
		if s.Status != "blocklisted" {
			continue
		}
		lists := []int64{}
		for _, l := range s.Lists {
			lists = append(lists, l.ID)
		}
		if len(bytes.TrimSpace(s.Attribs)) == 0 {
			s.Attribs = json.RawMessage("{}")
		}
		if _, err := c.json(ctx, http.MethodPut, path, map[string]any{"email": s.Email, "name": s.Name, "status": "enabled", "lists": lists, "attribs": s.Attribs}); err != nil {
			return err
		}
	}
	return nil
}
