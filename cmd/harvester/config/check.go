package config

import (
	"encoding"
	"fmt"
	"path/filepath"
	"strings"

	"harvester/harvest"
	"harvester/parse/bounce"
)

// check finds what is wrong between keys.
func (c *Config) check(d *decoder) {
	if len(c.OwnDomains) == 0 && !failed(d, "own_domains") {
		d.fail("own_domains", "no domain is listed", `write what you send as: own_domains = ["example.org"]`)
	}
	c.checkMailboxes(d)
	c.checkExports(d)
}

func failed(d *decoder, key string) bool {
	for _, e := range d.errs {
		if e.Key == key {
			return true
		}
	}
	return false
}

func (c *Config) checkMailboxes(d *decoder) {
	names, folders := map[Name]string{}, map[string]string{}
	for i := range c.Mailboxes {
		m := &c.Mailboxes[i]
		path := fmt.Sprintf("mailbox[%d]", i)
		unique(d, names, m.Name, path+".name", "another mailbox has this name")
		if m.TLS == TLSNone && m.Server != "" && !m.Server.Loopback() {
			d.fail(path+".tls", fmt.Sprintf("%s is not this machine, and the password would cross the network in the clear", m.Server.Host()),
				`use "implicit" or "starttls"`)
		}
		if m.Done.Disposition == harvest.Delete && !m.AllowDelete {
			d.fail(path+".done", "delete needs allow_delete = true in the same mailbox", `use "move:FOLDER" to keep the mail`)
		}
		if len(m.Folders) == 0 {
			d.fail(path+".folders", "no folder is listed", `write folders = ["INBOX"]`)
		}
		for j, f := range m.Folders {
			at := fmt.Sprintf("%s.folders[%d]", path, j)
			if f == "" {
				d.fail(at, "empty folder name", "")
				continue
			}
			if strings.EqualFold(f, "INBOX") {
				f = "INBOX" // RFC 9051 §5.1
			}
			if m.Done.Disposition == harvest.Move && m.Done.Folder == f {
				d.fail(path+".done", fmt.Sprintf("mail would be moved to %q, which is read itself", f), "")
			}
			if m.Server != "" && m.Username != "" {
				unique(d, folders, strings.ToLower(string(m.Server))+"\x00"+m.Username+"\x00"+f, at,
					fmt.Sprintf("folder %q of this login is read already", f))
			}
		}
	}
}

func (c *Config) checkExports(d *decoder) {
	names, paths := map[Name]string{}, map[string]string{}
	if c.Store.Path != "" {
		paths[filepath.Clean(c.Store.Path)] = "store.path"
	} else if !failed(d, "store.path") {
		d.fail("store.path", "empty", "")
	}
	for i := range c.Exports {
		e := &c.Exports[i]
		path := fmt.Sprintf("export[%d]", i)
		unique(d, names, e.Name, path+".name", "another export has this name")
		if e.Path == "" && !failed(d, "export.path") {
			d.fail(path+".path", "empty", "")
		} else if e.Path != "" {
			unique(d, paths, filepath.Clean(e.Path), path+".path", "this file is written already")
		}
	}
}

// unique notes an error when v was seen before; it says where.
func unique[T comparable](d *decoder, seen map[T]string, v T, path, problem string) {
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
	if p := d.place(first); p.line > 0 {
		hint = fmt.Sprintf("see line %d", p.line)
	}
	d.fail(path, problem, hint)
}

// hintOf helps with a misspelt key of a map.
func hintOf(key any, name string) string {
	if _, ok := key.(encoding.TextUnmarshaler).(*bounce.Reason); !ok {
		return ""
	}
	var names []string
	for _, r := range bounce.Reasons() {
		names = append(names, r.String())
	}
	if n := Nearest(name, names); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return "see `harvester rules list`"
}
