package config

import (
	"fmt"
	"maps"
	"net/mail"
	"path/filepath"
	"slices"
	"strings"

	"harvester/parse/bounce"
	"harvester/parse/domain"
	"harvester/parse/nearest"
	"harvester/parse/toml"
	"harvester/store/export"
	"harvester/store/policy"
	"harvester/store/report"
)

// check finds what is wrong between keys.
func (c *Config) check(d *toml.Document) {
	if len(c.OwnDomains) == 0 && !d.Failed("own_domains") {
		d.Fault("own_domains", "no domain is listed", `write what you send as: own_domains = ["example.org"]`)
	}
	for i, o := range c.OwnDomains {
		if domain.Name(string(o)) != string(o) && policy.Own(domain.Name(string(o)), slices.Delete(c.Own(), i, i+1)) {
			d.Fault(fmt.Sprintf("own_domains[%d]", i), domain.Name(string(o))+" is listed with what stands below it, too", `leave out the entry without "=" or above it, or this one`)
		}
	}
	c.checkMailboxes(d)
	c.checkStore(d)
	c.checkExports(d)
	c.checkPushes(d)
	c.checkReport(d)
	c.checkAlarm(d)
	c.checkDiagnose(d)
	c.checkWeb(d)
	c.checkMTA(d)
	c.checkProof(d) // before the lines that change single reasons
	c.checkPolicy(d)
	checkRates(d, "pause", c.Pause)
	c.checkStreams(d)
	c.checkSent(d)
	c.checkBreaker(d)
	c.checkReturnPaths(d)
}

var exportSources = []string{"bounce", "complaint", "unsubscribe", "operator"}

func (c *Config) checkExports(d *toml.Document) {
	names, paths := map[Name]string{}, map[string]string{}
	if c.Store.Path != "" {
		paths[filepath.Clean(c.Store.Path)] = "store.path"
	}
	for i := range c.Exports {
		e := &c.Exports[i]
		path := fmt.Sprintf("export[%d]", i)
		unique(d, names, e.Name, path+".name", "another export has this name")
		if p, err := export.Lookup(e.Profile); err != nil && !d.Failed("export.profile") {
			d.Fault(path+".profile", fmt.Sprintf("there is no profile %q", e.Profile), profileHint(e.Profile))
		} else if _, serr := p.WithScope(e.Scope); err == nil && serr != nil {
			d.Fault(path+".scope", serr.Error(), "")
		}
		if e.Profile == "hashed-hmac" && e.Key.IsZero() && !d.Failed("export.key") {
			d.Fault(path+".key", "the profile hashed-hmac needs a key", `write key = "credential:NAME"`)
		}
		checkSources(d, path, e.Sources)
		checkReasons(d, path, e.Reasons)
		if e.Path == "" && !d.Failed("export.path") {
			d.Fault(path+".path", "empty", "")
		} else if e.Path != "" {
			places := export.Places(filepath.Clean(e.Path), e.Delta)
			unique(d, paths, places[0], path+".path", "this file is written already")
			for _, beside := range places[1:] {
				if paths[places[0]] == path+".path" { // else that was said
					unique(d, paths, beside, path+".path", "a file beside it is written already: "+beside)
				}
			}
		}
	}
}

func (c *Config) checkReport(d *toml.Document) {
	m := &c.Report.Mail
	spans := map[report.Span]string{report.Day: ""}
	for i, span := range c.Report.Digests {
		at := fmt.Sprintf("report.digests[%d]", i)
		if _, known := spans[span]; known && !d.Failed("report.digests") {
			d.Fault(at, fmt.Sprintf("%q stands here for nothing: there is a report of each day, and one digest of each week or month", span), `"week" and "month" are digests`)
		}
		spans[span] = at
	}
	checkFormat(d, "report.webhook.format", c.Report.Webhook.Format)
	if m.Server == "" {
		return
	}
	var server Server
	if err := server.UnmarshalText([]byte(m.Server)); err != nil {
		d.Fault("report.mail.server", err.Error(), `write "mail.example.org:587"`)
	}
	if m.Username != "" && m.TLS == TLSNone && !server.Loopback() {
		d.Fault("report.mail.tls", fmt.Sprintf("%s is not this machine, and the password would cross the network in the clear", server.Host()),
			`use "starttls" or "implicit"`)
	}
	if m.Username != "" && m.Password.IsZero() {
		d.Fault("report.mail.password", "empty", `write password = "credential:NAME"`)
	}
	if len(m.To) == 0 {
		d.Fault("report.mail.to", "nobody is named", `write to = ["postmaster@example.org"]`)
	}
	for i, a := range append([]string{m.From}, m.To...) {
		key := "report.mail.from"
		if i > 0 {
			key = fmt.Sprintf("report.mail.to[%d]", i-1)
		}
		if _, err := mail.ParseAddress(a); err != nil {
			d.Fault(key, fmt.Sprintf("%q is not a mail address", a), "")
		}
	}
	for _, box := range c.Mailboxes {
		if m.Envelope != "" && strings.EqualFold(m.Envelope, box.Username) {
			d.Fault("report.mail.envelope", fmt.Sprintf("bounced reports would come back into the mailbox %s", box.Name), "leave it out: the return path is null then")
		}
	}
}

func checkReasons(d *toml.Document, path string, reasons []string) {
	for i, r := range reasons {
		var known bounce.Reason
		if err := known.UnmarshalText([]byte(r)); err != nil && !slices.Contains([]string{"complaint", "unsubscribe", "manual"}, r) {
			d.Fault(fmt.Sprintf("%s.reasons[%d]", path, i), fmt.Sprintf("there is no reason %q", r), `a bounce reason such as "user_unknown", or "complaint", "unsubscribe", "manual"`)
		}
	}
}

func checkSources(d *toml.Document, path string, sources []string) {
	for _, source := range sources {
		if !slices.Contains(exportSources, source) {
			d.Fault(path+".sources", fmt.Sprintf("there is no source %q", source), "one of "+strings.Join(exportSources, ", "))
		}
	}
}

// unique notes an error when v was seen before; it says where.
func unique[T comparable](d *toml.Document, seen map[T]string, v T, path, problem string) {
	var zero T
	if v == zero {
		return
	}
	first, ok := seen[v]
	if !ok {
		seen[v] = path
		return
	}
	hint := ""
	if p := d.Place(first); p.Line > 0 {
		hint = fmt.Sprintf("see line %d", p.Line)
	}
	d.Fault(path, problem, hint)
}

func profileHint(name string) string {
	var names []string
	for _, p := range export.Profiles() {
		names = append(names, p.Name)
	}
	if near := nearest.Name(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return "harvester export profiles describes them"
}

// checkPolicy lays the changed lines over the built-in ones.
func (c *Config) checkPolicy(d *toml.Document) { c.overlay(d, "", "policy", c.Policy) }

// overlay lays changed lines over those of the table, for one stream or, when
// stream is empty, for all.
func (c *Config) overlay(d *toml.Document, stream, section string, patches map[string]policy.Patch) {
	var known []string
	for _, l := range c.Table.Lines("") {
		known = append(known, l.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(patches)) {
		path := toml.Join(section, name)
		if !slices.Contains(known, name) {
			hint := fmt.Sprintf(`a reason, "complaint" or "unsubscribe"; quote names with a dot: [%s."user_unknown.code"]`, section)
			if near := nearest.Name(name, known); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			d.Fault(path, "there is no such policy line", hint)
			continue
		}
		if d.Failed(path + ".") {
			continue
		}
		table, err := c.Table.With(stream, name, patches[name], fmt.Sprintf("%s:%d", c.File, d.Place(path).Line))
		if err != nil {
			d.Fault(path, err.Error(), "")
			continue
		}
		c.Table = table
	}
}

// checkBreaker refuses limits that would stop every export, or none.
func (c *Config) checkBreaker(d *toml.Document) {
	for _, k := range []struct {
		key string
		n   int
	}{{"added", c.Breaker.Added}, {"domain", c.Breaker.Domain}, {"gone", c.Breaker.Gone}, {"lifted", c.Breaker.Lifted}, {"percent", c.Breaker.Percent}} {
		if key := "breaker." + k.key; k.n < 1 && !d.Failed(key) {
			d.Fault(key, fmt.Sprintf("%d is no limit", k.n), "write a number from 1 on")
		}
	}
	if c.Breaker.Percent > 100 {
		d.Fault("breaker.percent", fmt.Sprintf("%d %% of the list can't change", c.Breaker.Percent), "write a number from 1 to 100")
	}
}
