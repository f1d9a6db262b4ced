package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"harvester/parse/dkim"
	"harvester/parse/mime"
)

// dkimHeader checks each signature of the returned mail: what it says, the key
// that it names, its time, and whether it speaks for the From domain. A
// returned header shows no body: what was changed in the body can only be
// concluded, never seen.
func (c *Checker) dkimHeader(ctx context.Context, ev *Evidence) []Finding {
	from := canonical(ev.From)
	signatures := ev.Header.All("DKIM-Signature")
	if len(signatures) == 0 {
		f := c.finding(ev, "dkim.unsigned", Confirmed, UsMail, "the mail that came back carries no signature")
		f.Subject = Subject{Domain: from, Identity: "from"}
		f.Measured = append(f.Measured, c.looked("DKIM-Signature of the returned mail", "", ""))
		if s := serviceByDomain(ev.MailFrom); s != nil {
			f.Owner, f.Page = Service, s.Page
			f.Steps = c.signSteps(ev.MailFrom, from)
		} else {
			f.Steps = c.signSteps("", from)
		}
		if len(ev.Header) < 6 {
			f.Verdict, f.Owner = CannotTell, Nobody
			f.Answer = "the notice returned a few fields of the mail only, and no signature among them"
		}
		return []Finding{f}
	}
	var list []Finding
	good := false
	for _, sig := range first(signatures, maxSignatures) {
		found := c.signature(ctx, ev, sig)
		for i := range found {
			good = good || (found[i].ID == "dkim.key" || found[i].ID == "dkim.header_verifies") && c.alignedWith(found[i].Subject.Domain, from)
		}
		list = append(list, found...)
	}
	aligned := slices.ContainsFunc(list, func(f Finding) bool { return c.alignedWith(f.Subject.Domain, from) })
	switch {
	case good:
		list = slices.DeleteFunc(list, func(f Finding) bool { return f.Verdict == Confirmed && !f.Advice })
	case !aligned && from != "":
		d := list[0].Subject.Domain
		f := c.finding(ev, "dkim.not_aligned", Confirmed, Service, "the mail is signed by %s, From is %s: for receivers that ask for alignment it counts as unsigned", d, from)
		f.Subject, f.Source = Subject{Domain: from, Identity: "from"}, rfc6376
		f.Steps = c.signSteps(d, from)
		f.Measured = append(f.Measured, c.looked("From of the returned mail", from, ""))
		list = append([]Finding{f}, list...)
	}
	if n := len(ev.Header.All("From")); n > 1 {
		f := c.finding(ev, "mail.two_from", Confirmed, UsMail, "the mail has %d From fields, which large receivers refuse", n)
		f.Subject, f.Source = Subject{Domain: from, Identity: "from"}, "RFC 5322 §3.6"
		f.Steps = append(f.Steps, "Mend the program that makes the mail.")
		list = append([]Finding{f}, list...)
	}
	return list
}

// signature checks one.
func (c *Checker) signature(ctx context.Context, ev *Evidence, sig string) []Finding {
	t, order, bad := tags(sig)
	d, s := canonical(t["d"]), canonical(t["s"])
	subject := Subject{Domain: d, Selector: s, Identity: "d"}
	fault := func(id, step, format string, args ...any) []Finding {
		f := c.finding(ev, "dkim."+id, Confirmed, UsMail, format, args...)
		f.Subject, f.Source = subject, rfc6376
		f.Steps = append(f.Steps, step)
		f.Measured = append(f.Measured, c.looked("DKIM-Signature of the returned mail", sig, ""))
		if s := serviceByDomain(d); s != nil {
			f.Owner = Service
		}
		return []Finding{f}
	}
	for _, need := range [...]string{"a", "b", "bh", "d", "h", "s"} {
		if t[need] == "" {
			return fault("malformed", "It is a fault of the signer.", "the signature of %s has no %s=", cut(d), need)
		}
	}
	algorithm := strings.ToLower(bare(t["a"]))
	at := ev.Claim.Last
	if at.IsZero() {
		at = c.Now()
	}
	switch x, err := strconv.ParseInt(bare(t["x"]), 10, 64); {
	case bad != "":
		return fault("malformed", "It is a fault of the signer.", "the signature of %s can't be read: %s", d, bad)
	case algorithm == "rsa-sha1":
		return fault("sha1", "Set the signer to rsa-sha256.", "the signature of %s uses rsa-sha1, which must not be verified any more (RFC 8301)", d)
	case !hasTag(t["h"], "from"):
		return fault("malformed", "Let it sign From, To, Subject, Date and Message-ID.", "the signature of %s does not cover From, so it counts for nothing", d)
	case t["i"] != "" && !below(afterAt(t["i"]), d):
		return fault("malformed", "Let the signer write i= at or below d=, or leave it out.", "the signature of %s is made for %s, which is not below it", d, cut(t["i"]))
	case err == nil && x > 0 && time.Unix(x, 0).Before(at):
		return fault("expired", "Let signatures hold for longer than mail stays in the queue (a week), or none expire.", "the signature of %s ended at %s, before the receiver looked at it", d, stamp(time.Unix(x, 0)))
	}
	if start, err := strconv.ParseInt(bare(t["t"]), 10, 64); err == nil && time.Unix(start, 0).After(at.Add(time.Hour)) {
		return fault("future", "Set the clock of the signing host.", "the signature of %s is dated %s, later than the refusal", d, stamp(time.Unix(start, 0)))
	}
	list := c.key(ctx, ev, s+"._domainkey."+d, strings.TrimSuffix(strings.TrimSuffix(algorithm, "-sha256"), "-sha1"))
	if i := canonical(afterAt(t["i"])); i != "" && i != d && c.strictKey(ctx, d, s) {
		return fault("strict_identity", "Let the signer write i= with d= itself, or leave it out; or take t=s out of the key.", "the signature of %s is made for %s, and the key allows d= itself alone (t=s)", d, cut(i))
	}
	advise := func(id, step, format string, args ...any) {
		f := fault(id, step, format, args...)[0]
		f.Advice = true
		list = append(list, f)
	}
	if slices.Contains(order, "l") {
		advise("length", "Take l= out of the signer's settings: large receivers distrust it.", "the signature of %s covers only a part of the body (l=%s)", d, cut(t["l"]))
	}
	if algorithm == "ed25519-sha256" && !otherSignature(ev.Header, d) {
		advise("ed25519_only", "Sign with RSA as well: many receivers know nothing else.", "the mail is signed for %s with Ed25519 alone", d)
	}
	for i := range list {
		if f := &list[i]; f.ID == "dkim.key" && f.Claim != nil && f.Verdict == Refuted {
			c.header(ctx, ev, f, d, s)
		}
	}
	return list
}

// strictKey tells whether a key is for its own domain alone, not for those below
// it.
func (c *Checker) strictKey(ctx context.Context, d, s string) bool {
	a := c.Client.Ask(ctx, s+"._domainkey."+d, dns.TypeTXT)
	return slices.ContainsFunc(a.Values, func(v string) bool { t, _, _ := tags(v); return hasTag(t["t"], "s") })
}

// header verifies a signature over the header that came back. That it verifies
// is proof: the key is right, and only the body can have been changed. That it
// does not proves little, since returned headers are seldom what was sent.
func (c *Checker) header(ctx context.Context, ev *Evidence, f *Finding, d, s string) {
	a := c.Client.Ask(ctx, s+"._domainkey."+d, dns.TypeTXT)
	keys := func(domain, selector string) []dkim.Key {
		if domain != d || selector != s || len(a.Values) != 1 {
			return nil
		}
		key, err := dkim.ParseRecord(a.Values[0])
		if err != nil {
			return nil
		}
		return []dkim.Key{key}
	}
	for _, sig := range dkim.Verify(ev.Raw, func(domain string) bool { return domain == d }, keys) {
		if sig.Selector != s {
			continue
		}
		seen := c.looked("signature over the returned header", "it verifies", "")
		if sig.Err == nil {
			f.ID, f.Answer = "dkim.header_verifies", fmt.Sprintf("the signature of %s verifies over the header that came back: key and signer are right, so the body was changed on the way, or the receiver erred", d)
			f.Steps = append(f.Steps, "Look for what changes the body after signing: footers, disclaimers, link rewriting, a relay that re-encodes long lines or 8-bit text. Sign last.")
		} else {
			seen = c.looked("signature over the returned header", "it does not verify", sig.Err.Error())
			f.Answer += "; over the header that came back the signature does not verify, which proves little: notices seldom return it unchanged"
		}
		f.Measured = append(f.Measured, seen)
		return
	}
	f.Answer += "; a body that was changed on the way (a footer, rewritten links) would break it all the same"
}

// otherSignature tells whether a domain signed with RSA, too.
func otherSignature(h mime.Header, d string) bool {
	return slices.ContainsFunc(h.All("DKIM-Signature"), func(sig string) bool {
		t, _, _ := tags(sig)
		return canonical(t["d"]) == d && strings.HasPrefix(strings.ToLower(t["a"]), "rsa")
	})
}

func afterAt(s string) string { return s[strings.LastIndexByte(s, '@')+1:] }
