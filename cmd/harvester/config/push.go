package config

import (
	"fmt"
	"net/url"
	"strings"

	"harvester/parse/count"
	"harvester/parse/nearest"
	"harvester/parse/toml"
	"harvester/schedule"
	"harvester/store/push"
)

// Push is one service that is told by HTTP what must not be mailed.
type Push struct {
	Name     Name          `toml:"name"`
	Service  string        `toml:"service"`
	URL      string        `toml:"url"`
	List     string        `toml:"list"` // which one, as the service says
	User     string        `toml:"user"`
	Key      Secret        `toml:"key"`
	Sources  []string      `toml:"sources"`
	Stream   string        `toml:"stream"`
	Reasons  []string      `toml:"reasons"`
	Domains  []Domain      `toml:"domains"`
	Batch    int           `toml:"batch"` // 0: the service's
	Rate     int           `toml:"rate"`  // requests a second; 0: the service's
	Schedule schedule.Spec `toml:"schedule"`
	Headers  []string      `toml:"headers"` // of the service http, as are add and remove
	Add      Call          `toml:"add"`
	Remove   Call          `toml:"remove"`
}

// Call is a request of the service http.
type Call struct {
	Method string `toml:"method"`
	Path   string `toml:"path"`
	Body   string `toml:"body"`
}

// Generic are the requests of the service http, nil for all others.
func (p *Push) Generic() *push.Generic {
	if p.Service != "http" {
		return nil
	}
	return &push.Generic{Headers: p.Headers, Add: push.Call(p.Add), Remove: push.Call(p.Remove)}
}

func (c *Config) checkPushes(d *toml.Document) {
	names := map[Name]string{}
	for i := range c.Pushes {
		p, path := &c.Pushes[i], fmt.Sprintf("push[%d]", i)
		unique(d, names, p.Name, path+".name", "another push has this name")
		checkSources(d, path, p.Sources)
		checkReasons(d, path, p.Reasons)
		for key, n := range map[string]int{"batch": p.Batch, "rate": p.Rate} {
			if n < 0 {
				d.Fault(path+"."+key, "less than nothing", "0 leaves it to the service")
			}
		}
		if p.Service == "" { // missing, or no text
			continue
		}
		service, err := push.Lookup(p.Service)
		if err != nil {
			d.Fault(path+".service", fmt.Sprintf("there is no service %q", p.Service), serviceHint(p.Service))
			continue
		}
		p.checkSettings(d, path, &service)
		if g := p.Generic(); g != nil {
			if err := g.Check(); err != nil {
				key, _, _ := strings.Cut(err.Error(), ":")
				if key != "add" && key != "remove" {
					key = "headers"
				}
				d.Fault(path+"."+key, err.Error(), "harvester push services says what templates can use")
			}
		}
	}
}

// checkSettings looks for what a service can't do without.
func (p *Push) checkSettings(d *toml.Document, path string, s *push.Service) {
	given := map[string]bool{"url": p.URL != "", "list": p.List != "", "user": p.User != "", "key": !p.Key.IsZero()}
	for _, need := range s.Needs() {
		if !given[need] && !d.Failed("push."+need) {
			d.Fault(path+"."+need, fmt.Sprintf("the service %s needs it", s.Name), s.Settings)
		}
	}
	if p.Batch > s.Batch && s.Name != "http" {
		d.Fault(path+".batch", fmt.Sprintf("%s takes at most %s in a request", s.Name, count.Of(s.Batch, "address")), "")
	}
	if p.URL == "" {
		return
	}
	u, err := url.Parse(p.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		d.Fault(path+".url", fmt.Sprintf("%q is no http or https address", p.URL), `write "https://newsletter.example.org"`)
	case u.User != nil:
		d.Fault(path+".url", "it holds a password", "use user and key")
	case u.Scheme == "http" && !p.Key.IsZero() && !Server(u.Hostname()+":0").Loopback():
		d.Fault(path+".url", fmt.Sprintf("%s is not this machine, and the key would cross the network in the clear", u.Hostname()), "use https")
	}
}

func serviceHint(name string) string {
	var names []string
	for _, s := range push.Services() {
		names = append(names, s.Name)
	}
	if near := nearest.Name(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "harvester push services describes them"
}
