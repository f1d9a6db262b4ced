package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"harvester/cmd/harvester/compose"
	"harvester/cmd/harvester/config"
	"harvester/cmd/harvester/web"
)

// surroundings checks what a configuration refers to: rules, folders and, if
// they are asked for, secrets; and the clock.
func surroundings(ctx context.Context, c *config.Config, secrets bool) config.Errors {
	var wrong config.Errors
	note := func(key, problem, hint string) {
		wrong = append(wrong, &config.Error{File: c.File, Key: key, Problem: problem, Hint: hint})
	}
	if secrets {
		lookUp(ctx, c, note)
	}
	folder := func(key, dir string) {
		info, err := os.Stat(dir)
		switch {
		case err != nil:
			note(key, err.Error(), "mkdir -p "+dir)
		case !info.IsDir():
			note(key, dir+" is not a directory", "")
		case !compose.Writable(dir):
			note(key, dir+" is not writable for this user", "ReadWritePaths= in a drop-in opens it to the service")
		}
	}
	file := func(key, path string) {
		folder(key, filepath.Dir(path))
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			note(key, path+" is a directory", "name a file in it")
		}
	}
	file("store.path", c.Store.Path)
	for _, e := range c.Exports {
		file(fmt.Sprintf("export %q: path", e.Name), e.Path)
	}
	if c.Report.Path != "" {
		folder("report.path", c.Report.Path)
	}
	for key, listen := range map[string]config.Listen{"web.listen": c.Web.Listen, "mta.listen": c.MTA.Listen} {
		if listen == "" {
			continue
		}
		if err := web.Listenable(ctx, string(listen)); err != nil {
			note(key, fmt.Sprintf("nothing can listen on %s here: %v", listen, err), "")
		}
	}
	if c.Pause.Path != "" {
		folder("pause.path", c.Pause.Path)
	}
	if _, err := compose.Rules(c.RulesDir); err != nil {
		note("rules_dir", err.Error(), "harvester rules lint")
	}
	if _, err := c.PublicKeys(); err != nil {
		note("", err.Error(), "")
	}
	if err := clockBefore(time.Now()); err != nil {
		note("", err.Error(), "timedatectl")
	}
	return wrong
}

// lookUp resolves every secret and forgets it.
func lookUp(ctx context.Context, c *config.Config, note func(key, problem, hint string)) {
	see := func(key string, s config.Secret) {
		if s.IsZero() {
			return
		}
		if _, err := s.Resolve(ctx); err != nil {
			note(key, err.Error(), "")
		}
	}
	for i := range c.Mailboxes {
		m := &c.Mailboxes[i]
		secrets := m.Secrets()
		for _, key := range slices.Sorted(maps.Keys(secrets)) {
			see(fmt.Sprintf("mailbox %q: %s", m.Name, key), *secrets[key])
		}
	}
	for _, e := range c.Exports {
		see(fmt.Sprintf("export %q: key", e.Name), e.Key)
	}
	for _, p := range c.Pushes {
		see(fmt.Sprintf("push %q: key", p.Name), p.Key)
	}
	see("store.password", c.Store.Password)
	see("report.mail.password", c.Report.Mail.Password)
	see("report.webhook.url", c.Report.Webhook.URL)
	see("alarm.webhook.url", c.Alarm.Webhook.URL)
	if !c.Web.Token.IsZero() {
		if _, err := c.Web.Secret(ctx); err != nil {
			note("web.token", err.Error(), "")
		}
	}
	if _, _, err := c.ReturnPaths(ctx); err != nil {
		note("", err.Error(), "")
	}
}

// clockBefore fails where the clock says a time before the program was made:
// schedules, expiry and certificates would all be wrong.
func clockBefore(now time.Time) error {
	built, err := time.Parse(time.RFC3339, readBuild().Date)
	if err == nil && now.Before(built.Add(-24*time.Hour)) {
		return fmt.Errorf("the clock says %s, before this program was made (%s)", now.Format("2006-01-02"), built.Format("2006-01-02"))
	}
	return nil
}
