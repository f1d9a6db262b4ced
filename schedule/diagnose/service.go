package diagnose

import (
	_ "embed"
	"slices"
	"sync"

	"github.com/pelletier/go-toml/v2"
)

//go:embed services.toml
var servicesTOML []byte

// service sends mail for others.
type service struct {
	Name    string   `toml:"name"`
	Include []string `toml:"include"` // names of its SPF record, the present one first
	Old     []string `toml:"old"`     // names that it had, replaced by the first of Include
	Useless bool     `toml:"useless"` // its return path is its own: an include at the customer's does nothing
	Hosts   []string `toml:"hosts"`   // domains of its servers' confirmed names
	Domains []string `toml:"domains"` // of its own return paths and signatures
	DKIM    string   `toml:"dkim"`    // how its key is published
	Page    string   `toml:"page"`
}

var services = sync.OnceValue(func() []service {
	var file struct {
		Service []service `toml:"service"`
	}
	if err := toml.Unmarshal(servicesTOML, &file); err != nil {
		panic(err) // it is built in
	}
	return file.Service
})

func serviceBy(match func(*service) bool) *service {
	all := services()
	for i := range all {
		if match(&all[i]) {
			return &all[i]
		}
	}
	return nil
}

// serviceByHost is whose server a host is; nil when nobody's that is known.
func serviceByHost(host string) *service {
	return serviceBy(func(s *service) bool {
		return slices.ContainsFunc(s.Hosts, func(h string) bool { return below(host, h) })
	})
}

// serviceByDomain is whose return path or signing domain it is.
func serviceByDomain(domain string) *service {
	return serviceBy(func(s *service) bool {
		return slices.ContainsFunc(s.Domains, func(d string) bool { return below(domain, d) })
	})
}

// serviceByInclude is whose SPF record a name is, or was.
func serviceByInclude(name string) *service {
	name = canonical(name)
	return serviceBy(func(s *service) bool { return slices.Contains(s.Include, name) || slices.Contains(s.Old, name) })
}

// renamed are names of services' SPF records as they were, and are.
var renamed = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for _, s := range services() {
		for _, old := range s.Old {
			if len(s.Include) > 0 {
				out[old] = s.Include[0]
			}
		}
	}
	return out
})
