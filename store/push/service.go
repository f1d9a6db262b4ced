// Package push tells other senders' services by HTTP what must not be mailed:
// what came onto the list and what left it. It is told at least once, in
// batches, and what was told is recorded with each batch, so that a run that
// was cut off goes on where it was.
package push

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"harvester/store/export"
	"harvester/store/query"
)

// Service is one kind of target. The texts are shown by "harvester push
// services".
type Service struct {
	Name     string   `json:"name"`
	For      string   `json:"for"`
	Settings string   `json:"settings"` // what url, list, user and key mean
	Removal  string   `json:"removal"`  // what becomes of an address that left the list
	Evidence string   `json:"evidence"` // where its ways come from; "unverified: ..." where nobody tried it
	Loses    []string `json:"loses"`    // what the target can't express
	URL      string   `json:"url"`      // default; "" when it must be configured
	Batch    int      `json:"batch"`    // addresses in a request
	Rate     float64  `json:"rate"`     // requests a second

	profile string // of package export: which addresses the target can represent
	needs   []string
	// list names the target's list for a kind, "" when it has no place for it.
	list func(export.Kind) string
	// replaces says that an address is on one of the lists at a time: to add it
	// to another takes it from the first.
	replaces  bool
	authorize func(r *http.Request, s *Settings, body []byte)
	// add and remove tell the target about addresses of one list. They return
	// why it does not take one, "" for each that it did. Remove is nil where
	// the target knows no way.
	add, remove tell
}

type tell func(ctx context.Context, c *conn, list string, items []Item) (refused []string, err error)

// Item is one address for a target.
type Item struct {
	Name string // the address in lower case, domain as A-label
	Kind export.Kind
	query.Suppression
}

// Why is the reason in a few ASCII words: "user_unknown 5.1.1".
func (i *Item) Why() string { return export.Why(&i.Suppression) }

// Settings are one configured target.
type Settings struct {
	Name    string
	Service Service
	URL     string // "": the service's own
	List    string // which of the account's lists, as the service says
	User    string
	Key     string // secret
	Batch   int    // addresses in a request; 0: as the service says
	Rate    int    // requests a second; 0: as the service says
	Filter  query.Filter
	Generic *Generic // of the service http

	Timeout time.Duration // of a request; 0: a minute
	Client  *http.Client  // nil: the default
	Now     func() time.Time
	Sleep   func(context.Context, time.Duration) error // nil: really
}

func (s *Settings) timeout() time.Duration { return cmp.Or(s.Timeout, time.Minute) }
func (s *Settings) client() *http.Client   { return cmp.Or(s.Client, http.DefaultClient) }
func (s *Settings) batch() int             { return cmp.Or(s.Batch, s.Service.Batch) }
func (s *Settings) rate() float64          { return cmp.Or(float64(s.Rate), s.Service.Rate) }

func (s *Settings) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// complete fills in what the service knows.
func (s *Settings) complete() {
	if s.URL == "" {
		s.URL = strings.Replace(s.Service.URL, "REGION", s.List, 1)
	}
	s.URL = strings.TrimSuffix(s.URL, "/")
	if s.Generic != nil && s.Generic.Remove.Method == "" {
		s.Service.remove = nil
	}
}

// Services returns every service, in the order in which help lists them.
func Services() []Service {
	return []Service{ses(), sendgrid(), mailgun(), sparkpost(), postmark(), listmonk(), mautic(), azure(), mailjet(), resend(), scaleway(), sendgridEvents(), sesEvents(), generic()}
}

// Lookup returns the service called name; its error lists those there are.
func Lookup(name string) (Service, error) {
	var names []string
	for _, s := range Services() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Service{}, fmt.Errorf("unknown service %q; there are: %s", name, strings.Join(names, ", "))
}

// Needs are the settings that the service can't do without: url, list, user or key.
func (s *Service) Needs() []string { return s.needs }

// one list for all kinds.
func one(export.Kind) string { return "suppressions" }

func bearer(r *http.Request, s *Settings, _ []byte) { r.Header.Set("Authorization", "Bearer "+s.Key) }
func basic(r *http.Request, s *Settings, _ []byte)  { r.SetBasicAuth(s.User, s.Key) }

// names are the addresses of items.
func names(items []Item) []string {
	out := make([]string, len(items))
	for i := range items {
		out[i] = items[i].Name
	}
	return out
}

// each tells about items one by one, for services that take no more.
func each(f func(ctx context.Context, c *conn, list string, i *Item) error) tell {
	return func(ctx context.Context, c *conn, list string, items []Item) ([]string, error) {
		for i := range items {
			if err := f(ctx, c, list, &items[i]); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
