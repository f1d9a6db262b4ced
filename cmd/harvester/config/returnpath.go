package config

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"harvester/parse/envelope"
	"harvester/parse/toml"
	"harvester/store/policy"
)

// VERP is a shape of variable return paths.
type VERP struct {
	Pattern string   `toml:"pattern,required"`
	Keys    []Secret `toml:"keys"` // the first signs, all verify
}

// BATV is the tags that a mail server puts before its return paths.
type BATV struct {
	Keys []Secret `toml:"keys"` // all verify
}

// VERPNames are those of the shapes in the order in which they are tried:
// signed ones first, since the others read any address that fits.
func (c *Config) VERPNames() []string {
	unsigned := func(name string) int { return min(1, len(c.VERP[name].Keys)) }
	return slices.SortedFunc(maps.Keys(c.VERP), func(a, b string) int {
		return cmp.Or(cmp.Compare(unsigned(b), unsigned(a)), strings.Compare(a, b))
	})
}

// ReturnPaths are the shapes of the return paths, in the order of VERPNames,
// and the keys of the tags, with their secrets read. Without keys for tags the
// second is nil. Its error wraps ErrSecret, or says that a key is too short.
func (c *Config) ReturnPaths(ctx context.Context) ([]*envelope.VERP, *envelope.BATV, error) {
	var verps []*envelope.VERP
	for _, name := range c.VERPNames() {
		v := c.VERP[name]
		keys, err := resolve(ctx, v.Keys)
		if err != nil {
			return nil, nil, fmt.Errorf("verp.%s: %w", name, err)
		}
		one, err := envelope.NewVERP(v.Pattern, keys...)
		if err != nil {
			return nil, nil, fmt.Errorf("verp.%s: %w", name, secretError{err})
		}
		verps = append(verps, one)
	}
	if len(c.BATV.Keys) == 0 {
		return verps, nil, nil
	}
	keys, err := resolve(ctx, c.BATV.Keys)
	if err != nil {
		return nil, nil, fmt.Errorf("batv: %w", err)
	}
	batv, err := envelope.NewBATV(keys...)
	if err != nil {
		return nil, nil, fmt.Errorf("batv: %w", secretError{err})
	}
	return verps, batv, nil
}

func resolve(ctx context.Context, secrets []Secret) ([][]byte, error) {
	var out [][]byte
	for _, s := range secrets {
		v, err := s.Resolve(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, []byte(v))
	}
	return out, nil
}

func (c *Config) checkReturnPaths(d *toml.Document) {
	patterns := map[string]string{}
	own := c.Own()
	for _, name := range slices.Sorted(maps.Keys(c.VERP)) {
		v, path := c.VERP[name], toml.Join("verp", name)
		if v.Pattern == "" || d.Failed(path+".") {
			continue
		}
		var some [][]byte
		if len(v.Keys) > 0 {
			some = [][]byte{make([]byte, 32)} // the shape alone is looked at
		}
		shape, err := envelope.NewVERP(v.Pattern, some...)
		switch {
		case err != nil:
			d.Fault(path+".pattern", err.Error(), `such as "b-{token}-{local}={domain}@bounces.example.org"`)
			continue
		case len(some) > 0 && !shape.Signs():
			d.Fault(path+".keys", "the pattern has no {token} that they could sign", "")
		case !policy.Own(policy.Domain(policy.Key(v.Pattern)), own):
			d.Fault(path+".pattern", fmt.Sprintf("%s is none of own_domains", policy.Domain(v.Pattern)), "failures come back to a domain of yours")
		}
		unique(d, patterns, strings.ToLower(v.Pattern), path+".pattern", "another shape is the same")
	}
	for _, keys := range c.keyLists() {
		for i, k := range *keys.secrets {
			if k.IsZero() && !d.Failed(keys.path) {
				d.Fault(fmt.Sprintf("%s[%d]", keys.path, i), "empty", `write "credential:NAME"`)
			}
		}
	}
}

// keyLists are all lists of keys, for what concerns each of them.
func (c *Config) keyLists() []keyList {
	lists := []keyList{{"batv.keys", &c.BATV.Keys}}
	for _, name := range slices.Sorted(maps.Keys(c.VERP)) {
		v := c.VERP[name]
		lists = append(lists, keyList{toml.Join("verp", name) + ".keys", &v.Keys})
	}
	return lists
}

type keyList struct {
	path    string
	secrets *[]Secret // the elements are the configuration's own
}
