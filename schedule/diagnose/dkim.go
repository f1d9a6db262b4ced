package diagnose

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"harvester/parse/count"
	"harvester/schedule/diagnose/resolve"
)

const rfc6376 = "RFC 6376"

// maxSignatures bounds the signatures of one mail that are looked at: anybody
// can send a notice with a thousand.
const maxSignatures = 10

// dkim checks the signatures of the returned mail, or where it names none the
// keys of the selectors that are configured.
func (c *Checker) dkim(ctx context.Context, ev *Evidence) []Finding {
	if ev.Header != nil {
		return c.dkimHeader(ctx, ev)
	}
	names := ev.Signatures
	if len(names) == 0 {
		from := canonical(ev.From)
		if from == "" || !c.ours(from) {
			f := c.finding(ev, "dkim.no_copy", CannotTell, Nobody, "the notice returned no signature to look at")
			f.Steps = append(f.Steps, "Name your selectors in [diagnose] selectors, or run harvester diagnose on a notice that returns the mail.")
			return []Finding{f}
		}
		if names = c.selectorsOf(from); len(names) == 0 {
			f := c.finding(ev, "dkim.no_copy", CannotTell, Nobody, "no signature of %s is known from the mail that came back", from)
			f.Steps = append(f.Steps, "Name your selectors in [diagnose] selectors, or run harvester diagnose on a notice that returns the mail.")
			f.Subject = Subject{Domain: from, Identity: "from"}
			return []Finding{f}
		}
	}
	var list []Finding
	for _, name := range first(names, maxSignatures) {
		list = append(list, c.key(ctx, ev, name, "")...)
	}
	// One aligned signature with a sound key is enough; broken ones beside it
	// are usual with services.
	good := slices.ContainsFunc(list, func(f Finding) bool { return f.ID == "dkim.key" && c.alignedWith(f.Subject.Domain, ev.From) })
	aligned := slices.ContainsFunc(list, func(f Finding) bool { return c.alignedWith(f.Subject.Domain, ev.From) })
	if good {
		list = slices.DeleteFunc(list, func(f Finding) bool { return f.Verdict == Confirmed && !f.Advice })
	} else if !aligned && ev.From != "" && c.ours(ev.From) {
		f := c.finding(ev, "dkim.not_aligned", Confirmed, Service, "the signature is %s's, From is %s: for receivers that ask for alignment it counts as none", list[0].Subject.Domain, canonical(ev.From))
		f.Subject = Subject{Domain: canonical(ev.From), Identity: "from"}
		f.Steps = c.signSteps(list[0].Subject.Domain, canonical(ev.From))
		list = append([]Finding{f}, list...)
	}
	return list
}

// signSteps are how to have mail signed in the From domain.
func (c *Checker) signSteps(d, from string) []string {
	if s := serviceByDomain(d); s != nil {
		step := "Set up DKIM for " + from + " at " + s.Name
		if s.DKIM != "" {
			step += ": " + s.DKIM
		}
		return []string{step + ".", "An SPF include does not help: the return path is theirs."}
	}
	return []string{"Sign where the mail leaves, with d=" + from + " and an RSA key of 2048 bits."}
}

func (c *Checker) alignedWith(d, from string) bool {
	return from != "" && d != "" && registered(d) == registered(from)
}

// selectorsOf are the names of the keys that the configuration gives for a
// domain.
func (c *Checker) selectorsOf(domain string) (out []string) {
	for _, s := range c.Selectors {
		if sel, d, ok := strings.Cut(s, "._domainkey."); ok {
			if below(domain, d) || below(d, domain) {
				out = append(out, sel+"._domainkey."+canonical(d))
			}
		} else {
			out = append(out, s+"._domainkey."+domain)
		}
	}
	return out
}

// key checks the key at "selector._domainkey.domain" for a signature with an
// algorithm, "" for any.
func (c *Checker) key(ctx context.Context, ev *Evidence, name, algorithm string) []Finding {
	selector, domain, _ := strings.Cut(canonical(name), "._domainkey.")
	a := c.Client.Ask(ctx, name, dns.TypeTXT)
	list := c.keyOf(ev, selector, domain, algorithm, &a)
	for i := range list {
		f := &list[i]
		f.Subject = Subject{Domain: domain, Selector: selector, Identity: "d"}
		f.Source = rfc6376
		f.Measured = append(f.Measured, measured(&a, ""))
		f.Recheck = recheck(a)
		if f.Owner == UsDNS && !c.ours(domain) {
			f.Owner = Service
		}
	}
	return list
}

func (c *Checker) keyOf(ev *Evidence, selector, domain, algorithm string, a *resolve.Answer) []Finding {
	name := selector + "._domainkey." + domain
	fault := func(id, format string, args ...any) Finding {
		return c.finding(ev, "dkim."+id, Confirmed, UsDNS, format, args...)
	}
	one := func(f Finding, steps ...string) []Finding {
		f.Steps = append(f.Steps, steps...)
		return []Finding{f}
	}
	const show = "The signer shows the record to publish: only it knows the key."
	switch {
	case a.State == resolve.Unknown:
		return []Finding{c.cannotTell(ev, "dkim", "the key at "+name, a)}
	case a.None() && len(a.Chain) > 0:
		target := canonical(a.Chain[len(a.Chain)-1])
		f := fault("cname_dangling", "%s leads to %s, where there is no key", name, target)
		return one(f, "At the service: is the account still there, and the domain set up? It publishes the key.", "If the service is no longer used, delete the CNAME.")
	case a.None():
		f := fault("key_missing", "there is no key at %s", name)
		return one(f, "Publish it, or have the signer use a selector that has one. "+show)
	}
	var keys []string
	for _, v := range a.Values {
		if list, order, _ := tags(v); len(order) > 0 && (list["p"] != "" || slices.Contains(order, "p") || strings.EqualFold(list["v"], "DKIM1")) {
			keys = append(keys, v)
		}
	}
	if len(keys) == 0 {
		return one(fault("key_broken", "what stands at %s is no DKIM key", name), "Replace it. "+show)
	}
	if len(keys) > 1 {
		return one(fault("key_multiple", "%s has %s: which one counts is undefined, and many receivers fail", name, count.Of(len(keys), "key")), "Keep the one that the signer uses and delete the others.")
	}
	t, order, bad := tags(keys[0])
	p := bare(t["p"])
	switch {
	case t["v"] != "" && (t["v"] != "DKIM1" || order[0] != "v"):
		return one(fault("key_broken", "the key at %s does not begin with v=DKIM1", name), "Write v=DKIM1 first, in capitals.")
	case !slices.Contains(order, "p") || bad != "" && p == "":
		return one(fault("key_broken", "the key at %s has no p=: %s", name, bad), "Publish the record again, without quotes or backslashes in its value.")
	case p == "":
		return one(fault("key_revoked", "the key at %s is revoked: p= is empty", name), "Have the signer use the selector that replaced it. A revoked key must not sign.")
	case t["s"] != "" && !hasTag(t["s"], "email") && !hasTag(t["s"], "*"):
		return one(fault("key_broken", "the key at %s is not for mail (s=%s)", name, cut(t["s"])), "Take s= out, or write s=email.")
	}
	p, padded := pad(p)
	bits, kind, problem := keySize(t["k"], p)
	if problem != "" {
		f := fault("key_broken", "the key at %s can't be read: %s", name, problem)
		return one(f, "Publish the record again in one piece: strings of 255 bytes are joined without a blank. "+show)
	}
	if algorithm != "" && !strings.HasPrefix(algorithm, kind) {
		return one(fault("key_kind", "the signature is %s, the key at %s is %s", algorithm, name, kind), "Let the signer use the key that is published, or publish the other one.")
	}
	if t["h"] != "" && !hasTag(t["h"], "sha256") {
		return one(fault("key_broken", "the key at %s allows only h=%s, which must not be used any more (RFC 8301)", name, cut(t["h"])), "Take h= out.")
	}
	if kind == "rsa" && bits < 1024 {
		return one(fault("key_short", "the key at %s has %d bits; receivers refuse less than 1024 (RFC 8301)", name, bits), "Make a new RSA key of 2048 bits under a new selector, sign with it, then delete this one.")
	}
	if kind == "rsa" && bits > 4096 {
		return one(fault("key_long", "the key at %s has %d bits; no receiver has to verify more than 4096 (RFC 8301)", name, bits), "Make a new RSA key of 2048 bits under a new selector, sign with it, then delete this one.")
	}
	wrong := func(e Earlier) bool {
		for _, v := range e.Values {
			if t, _, _ := tags(v); bare(t["p"]) != "" {
				return false
			}
		}
		return e.State != "unknown"
	}
	good := c.fine(ev, "dkim.key", wrong, name+".", "TXT", fmt.Sprintf("the key at %s is sound (%s, %d bits)", name, kind, bits))
	list := []Finding{good}
	if c.History != nil && ev == nil {
		for _, e := range c.History(name+".", "TXT") {
			if old := slices.IndexFunc(e.Values, func(v string) bool { t, _, _ := tags(v); return bare(t["p"]) != "" && bare(t["p"]) != p }); old >= 0 && c.Now().Sub(e.Last) < lostFor {
				f := fault("key_replaced", "the key at %s is another one than until %s", name, stamp(e.Last))
				f.Advice = true
				f.Steps = append(f.Steps, "If nobody on your side did it, find out who. A new key belongs under a new selector: mail in queues is still signed with the old one.")
				list = append(list, f)
				break
			}
		}
	}
	advise := func(id, step, format string, args ...any) {
		f := fault(id, format, args...)
		f.Advice = true
		f.Steps = append(f.Steps, step)
		list = append(list, f)
	}
	if hasTag(t["t"], "y") {
		advise("testing", "Take t=y out, or the whole t=.", "the key at %s is in test mode: receivers may treat the mail as unsigned", name)
		if after := withoutTest(keys[0]); c.ours(domain) && len(a.Chain) == 0 && after != keys[0] {
			list[len(list)-1].Records = append(list[len(list)-1].Records, change(name, "TXT", keys, after))
		}
	}
	if kind == "rsa" && bits == 1024 {
		advise("key_weak", "Make a new key of 2048 bits under a new selector when it suits.", "the key at %s has 1024 bits, which is the least that receivers take", name)
	}
	if padded {
		advise("key_padding", "Publish the key with its = at the end, as base64 wants it.", "the key at %s lacks the = at its end, which some receivers do not read", name)
	}
	if kind == "rsa" && bits > 2048 {
		advise("key_long", "2048 bits are enough, and every receiver takes them.", "the key at %s has %d bits, more than some receivers verify", name, bits)
	}
	return list
}

// withoutTest is a key record without its test flag.
func withoutTest(record string) string {
	var out []string
	for part := range strings.SplitSeq(record, ";") {
		name, value, _ := strings.Cut(part, "=")
		if strings.TrimSpace(name) == "t" {
			var rest []string
			for flag := range strings.SplitSeq(value, ":") {
				if strings.TrimSpace(flag) != "y" {
					rest = append(rest, strings.TrimSpace(flag))
				}
			}
			if len(rest) == 0 {
				continue
			}
			part = name + "=" + strings.Join(rest, ":")
		}
		out = append(out, part)
	}
	return strings.TrimSpace(strings.Join(out, ";"))
}

func hasTag(list, word string) bool {
	for w := range strings.SplitSeq(list, ":") {
		if strings.EqualFold(strings.TrimSpace(w), word) {
			return true
		}
	}
	return false
}

// pad adds the = that base64 ends with, where they were left out.
func pad(p string) (whole string, padded bool) {
	if n := len(p) % 4; n > 1 && !strings.Contains(p, "=") {
		return p + strings.Repeat("=", 4-n), true
	}
	return p, false
}

// keySize reads a public key as DKIM writes it.
func keySize(k, p string) (bits int, kind, problem string) {
	raw, err := base64.StdEncoding.DecodeString(p)
	if err != nil {
		return 0, "", "p= is no base64"
	}
	switch strings.ToLower(k) {
	case "ed25519":
		if len(raw) != ed25519.PublicKeySize {
			return 0, "", fmt.Sprintf("an Ed25519 key has 32 bytes, this one %d", len(raw))
		}
		return 256, "ed25519", ""
	case "", "rsa":
	default:
		return 0, "", "nobody knows k=" + cut(k)
	}
	if pub, err := x509.ParsePKIXPublicKey(raw); err == nil {
		if key, ok := pub.(*rsa.PublicKey); ok {
			return key.N.BitLen(), "rsa", ""
		}
		return 0, "", "it is no RSA key"
	}
	if key, err := x509.ParsePKCS1PublicKey(raw); err == nil {
		return key.N.BitLen(), "rsa", ""
	}
	return 0, "", "p= holds no key; a piece of it is missing"
}
