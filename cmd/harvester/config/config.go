// Package config reads harvester.toml. Its values check themselves, and a
// configuration that is wrong says everything that is wrong with it at once,
// with file, line, column, key and a hint. example.toml describes every key;
// it is what `config example` prints and where the defaults come from.
package config

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"harvester/parse/toml"
	"harvester/schedule"
	"harvester/store/judge"
	"harvester/store/policy"
	"harvester/store/report"
	"harvester/store/upkeep"
)

// Example is the annotated configuration: one text that describes every key
// and gives its default.
//
//go:embed example.toml
var Example string

// Config is harvester.toml.
type Config struct {
	Hostname   string       `toml:"hostname"` // never empty after Load
	Timezone   Zone         `toml:"timezone"`
	OwnDomains []OwnDomain  `toml:"own_domains,required"`
	RulesDir   string       `toml:"rules_dir"`
	Proof      policy.Proof `toml:"proof"` // the least that counts
	Servers    Servers      `toml:"servers"`
	DKIM       DKIM         `toml:"dkim"`
	Store      Store        `toml:"store"`
	Mailboxes  []Mailbox    `toml:"mailbox"`
	Exports    []Export     `toml:"export"`
	Pushes     []Push       `toml:"push"`
	Report     Report       `toml:"report"`
	Web        Web          `toml:"web"`
	MTA        MTA          `toml:"mta"`

	Breaker   judge.Limits     `toml:"breaker"`
	Retention upkeep.Retention `toml:"retention"`

	Policy  map[string]policy.Patch `toml:"policy"`
	Streams map[string]Stream       `toml:"stream"`
	VERP    map[string]VERP         `toml:"verp"`
	BATV    BATV                    `toml:"batv"`
	Pause   Pause                   `toml:"pause"`
	Alarm   Alarm                   `toml:"alarm"`
	Sent    map[string]Sent         `toml:"sent"`

	Diagnose Diagnose `toml:"diagnose"`

	File  string       // where it was read
	Table policy.Table // the built-in policy with Policy and the streams' lines laid over it

	streamOrder []string // names of Streams as they stand in the file
}

// Export is one file that other senders read.
type Export struct {
	Name     Name          `toml:"name,required"`
	Profile  string        `toml:"profile"`
	Path     string        `toml:"path,required"`
	Key      Secret        `toml:"key"`       // of the profile hashed-hmac
	Scope    string        `toml:"scope"`     // a word of the target's own about what its entries hold for
	Sources  []string      `toml:"sources"`   // bounce, complaint, unsubscribe, operator; empty: all
	Stream   string        `toml:"stream"`    // only what holds for this stream; empty: all
	Reasons  []string      `toml:"reasons"`   // bounce reasons, complaint, unsubscribe, manual; empty: all
	Domains  []Domain      `toml:"domains"`   // of the addresses; empty: all
	Since    Day           `toml:"since"`     // the first on which entries came onto the list; none: all
	Delta    bool          `toml:"delta"`     // the changes since "export ack" in files of their own, too
	OnChange []string      `toml:"on_change"` // command to run after a change, without a shell
	Schedule schedule.Spec `toml:"schedule"`
}

// Report is the daily report. An empty Path switches it off.
type Report struct {
	Path      string           `toml:"path"`
	Schedule  schedule.Spec    `toml:"schedule"`
	Addresses report.Addresses `toml:"addresses"`
	Digests   []report.Span    `toml:"digests"` // week, month
	Mail      Mail             `toml:"mail"`
	Webhook   Webhook          `toml:"webhook"`
}

// Mail says how reports are mailed. An empty Server switches it off.
type Mail struct {
	Server   string   `toml:"server"`
	TLS      TLS      `toml:"tls"`
	Username string   `toml:"username"`
	Password Secret   `toml:"password"`
	From     string   `toml:"from"`
	To       []string `toml:"to"`
	Envelope string   `toml:"envelope"` // return path; empty: the null path
}

// Webhook says where reports are posted. No URL switches it off.
type Webhook struct {
	URL    Secret `toml:"url"`
	Format string `toml:"format"` // json, text
}

// Load reads and checks a file. A configuration that is wrong is an Errors;
// other errors are of reading.
func Load(path string) (*Config, error) {
	doc, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	return Parse(path, doc)
}

// Parse checks a document. Relative paths in it start from the folder of file,
// which is also what errors name.
func Parse(file string, doc []byte) (*Config, error) {
	c := &Config{File: file}
	d := toml.Read(doc, c, defaults())
	if d.Valid() {
		c.check(d)
	}
	if len(d.Faults) > 0 {
		return nil, errorsOf(file, d)
	}
	c.resolvePaths(filepath.Dir(file))
	if c.Hostname == "" {
		c.Hostname, _ = os.Hostname()
	}
	return c, nil
}

// resolvePaths makes paths absolute or relative to the working directory.
func (c *Config) resolvePaths(dir string) {
	paths := []*string{&c.RulesDir, &c.Store.Path, &c.Pause.Path, &c.Report.Path}
	paths = append(paths, c.Store.Password.path()...)
	for i := range c.Exports {
		e := &c.Exports[i]
		paths = append(paths, &e.Path)
		paths = append(paths, e.Key.path()...)
	}
	for _, secret := range []*Secret{&c.Web.Token, &c.Report.Mail.Password, &c.Report.Webhook.URL, &c.Alarm.Webhook.URL} {
		paths = append(paths, secret.path()...)
	}
	for i := range c.Pushes {
		paths = append(paths, c.Pushes[i].Key.path()...)
	}
	for i := range c.Mailboxes {
		paths = append(paths, c.Mailboxes[i].paths()...)
	}
	for name, log := range c.Sent {
		if log.Path != "" && !filepath.IsAbs(log.Path) {
			log.Path = filepath.Join(dir, log.Path)
			c.Sent[name] = log
		}
	}
	for _, list := range c.keyLists() {
		for i := range *list.secrets {
			if k := &(*list.secrets)[i]; k.kind == "file" {
				paths = append(paths, &k.name)
			}
		}
	}
	for name, file := range c.DKIM.Keys {
		if !filepath.IsAbs(file) {
			c.DKIM.Keys[name] = filepath.Join(dir, file)
		}
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
}

// ErrNoFile tells that no configuration was found where it is looked for.
var ErrNoFile = errors.New("no configuration found")

// Find says which configuration to read: the flag's, else $HARVESTER_CONFIG's,
// else the first that exists of ./harvester.toml (not under systemd),
// $XDG_CONFIG_HOME/harvester/harvester.toml and /etc/harvester/harvester.toml.
func Find(flag string, getenv func(string) string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if env := getenv("HARVESTER_CONFIG"); env != "" {
		return env, nil
	}
	var places []string
	if getenv("INVOCATION_ID") == "" {
		places = append(places, "harvester.toml")
	}
	if dir := getenv("XDG_CONFIG_HOME"); dir != "" {
		places = append(places, filepath.Join(dir, "harvester", "harvester.toml"))
	} else if home := getenv("HOME"); home != "" {
		places = append(places, filepath.Join(home, ".config", "harvester", "harvester.toml"))
	}
	places = append(places, "/etc/harvester/harvester.toml")
	for _, p := range places {
		if _, err := os.Stat(p); !errors.Is(err, os.ErrNotExist) {
			return p, nil
		}
	}
	return "", fmt.Errorf("%w in %s", ErrNoFile, strings.Join(places, ", "))
}
