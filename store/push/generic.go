package push

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"text/template"
)

// Call is how the service http is told one thing. Path and body are templates
// (text/template) over a Page.
type Call struct {
	Method string
	Path   string // behind the url
	Body   string
}

// Generic is the configuration of the service http. A Remove without a method
// leaves addresses there that left the list.
type Generic struct {
	Add, Remove Call
	Headers     []string // "Field: value", the value a template over a Page
}

// Page is what the templates of the service http see.
type Page struct {
	Items []Item
	List  string // as configured
	User  string // as configured
	Key   string // the secret
}

// Addresses are those of the items.
func (p Page) Addresses() []string { return names(p.Items) }

// Address is that of the first item, for targets that take one at a time.
func (p Page) Address() string { return p.Items[0].Name }

// functions are those that the templates can call beside the built-in ones.
var functions = template.FuncMap{
	"json": func(v any) (string, error) { b, err := marshal(v); return string(b), err },
	"path": escape,
	"join": strings.Join,
}

func generic() Service {
	return Service{
		Name:     "http",
		For:      "any service that takes addresses by HTTP",
		Settings: "url, headers and the tables add and remove with method, path and body; user, key and list are there for the templates. Each request has an Idempotency-Key that is the same when it is sent again.",
		Removal:  "By the table remove; without it, by hand.",
		Evidence: "own",
		Loses:    []string{"what the templates do not mention"},
		Batch:    100, Rate: 5,
		profile: "ndjson", needs: []string{"url"}, list: one,
		add: func(ctx context.Context, c *conn, _ string, items []Item) ([]string, error) {
			return nil, c.call(ctx, &c.s.Generic.Add, items)
		},
		remove: func(ctx context.Context, c *conn, _ string, items []Item) ([]string, error) {
			err := c.call(ctx, &c.s.Generic.Remove, items)
			var no *Refusal
			if errors.As(err, &no) && no.Status == http.StatusNotFound {
				err = nil // it is gone already
			}
			return nil, err
		},
	}
}

// Check tries the templates on an address; an error says which one is wrong.
func (g *Generic) Check() error {
	page := Page{Items: []Item{{Name: "jane@example.com"}}, Key: "key"}
	for name, call := range map[string]*Call{"add": &g.Add, "remove": &g.Remove} {
		if _, err := g.request(call, page); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (g *Generic) request(call *Call, page Page) (request, error) {
	r := request{method: call.Method, header: http.Header{}}
	body, err := fill(call.Body, page)
	if err != nil {
		return r, fmt.Errorf("the body: %w", err)
	}
	r.body = []byte(body)
	if r.path, err = fill(call.Path, page); err != nil {
		return r, fmt.Errorf("the path: %w", err)
	}
	for _, line := range g.Headers {
		field, value, ok := strings.Cut(line, ":")
		if !ok {
			return r, fmt.Errorf("the header %q has no colon", field)
		}
		if value, err = fill(value, page); err != nil {
			return r, fmt.Errorf("the header %s: %w", field, err)
		}
		if strings.ContainsAny(value, "\r\n") {
			return r, fmt.Errorf("the header %s would have several lines", field)
		}
		r.header.Set(strings.TrimSpace(field), strings.TrimSpace(value))
	}
	sum := sha256.Sum256([]byte(call.Method + "\x00" + r.path + "\x00" + body))
	r.header.Set("Idempotency-Key", hex.EncodeToString(sum[:16]))
	return r, nil
}

func fill(text string, page Page) (string, error) {
	t, err := template.New("").Funcs(functions).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	var b bytes.Buffer
	if err := t.Execute(&b, page); err != nil {
		return "", errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	return b.String(), nil
}

func (c *conn) call(ctx context.Context, call *Call, items []Item) error {
	r, err := c.s.Generic.request(call, Page{Items: items, List: c.s.List, User: c.s.User, Key: c.s.Key})
	if err != nil {
		return fmt.Errorf("filling the templates: %w", err)
	}
	_, err = c.send(ctx, r)
	return err
}
