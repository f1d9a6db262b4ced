package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"harvester/harvest"
	"harvester/schedule"
)

// Mailbox is one mailbox that is harvested.
type Mailbox struct {
	Name        Name          `toml:"name,required"`
	Server      Server        `toml:"server,required"`
	TLS         TLS           `toml:"tls"`
	CAFile      string        `toml:"ca_file"`
	Pin         string        `toml:"pin"`
	Username    string        `toml:"username,required"`
	Password    Secret        `toml:"password"`
	Folders     []string      `toml:"folders"`
	Schedule    schedule.Spec `toml:"schedule"`
	Done        Done          `toml:"done"`
	AllowDelete bool          `toml:"allow_delete"`
	OAuth       *OAuth        `toml:"oauth"` // nil: a password
}

// paths are those of files, to be resolved.
func (m *Mailbox) paths() []*string {
	paths := append([]*string{&m.CAFile}, m.Password.path()...)
	for _, s := range m.Secrets() {
		paths = append(paths, s.path()...)
	}
	return paths
}

// Secrets are what signing in needs, by key.
func (m *Mailbox) Secrets() map[string]*Secret {
	all := map[string]*Secret{"password": &m.Password}
	if o := m.OAuth; o != nil {
		all = map[string]*Secret{
			"oauth.client_secret": &o.ClientSecret, "oauth.certificate": &o.Certificate,
			"oauth.service_account": &o.ServiceAccount, "oauth.refresh_token": &o.RefreshToken,
		}
	}
	for key, s := range all {
		if s.IsZero() {
			delete(all, key)
		}
	}
	return all
}

// TokenFile is where the tokens of a mailbox are kept.
func (c *Config) TokenFile(m *Mailbox) string {
	return filepath.Join(filepath.Dir(c.Store.Path), string(m.Name)+".token")
}

func (c *Config) checkMailboxes(d *decoder) {
	names, folders := map[Name]string{}, map[string]string{}
	for i := range c.Mailboxes {
		m := &c.Mailboxes[i]
		path := fmt.Sprintf("mailbox[%d]", i)
		unique(d, names, m.Name, path+".name", "another mailbox has this name")
		m.checkServer(d, path)
		if m.Done.Disposition == harvest.Delete && !m.AllowDelete {
			d.fail(path+".done", "delete needs allow_delete = true in the same mailbox", `use "move:FOLDER" to keep the mail`)
		}
		m.checkFolders(d, path, folders)
	}
}

// given tells that a key stands in the file.
func (d *decoder) given(path string) bool { return d.at[path].line > 0 }

func (m *Mailbox) checkServer(d *decoder, path string) {
	if m.TLS == TLSNone && m.Server != "" && !m.Server.Loopback() {
		d.fail(path+".tls", fmt.Sprintf("%s is not this machine, and the password would cross the network in the clear", m.Server.Host()),
			`use "implicit" or "starttls"`)
	}
	if m.CAFile != "" && m.Pin != "" {
		d.fail(path+".pin", "ca_file and pin exclude each other", "a pinned certificate needs no authority")
	}
	switch {
	case m.OAuth != nil:
		m.OAuth.check(d, path)
		if d.given(path + ".password") {
			d.fail(path+".password", "there is [mailbox.oauth], too", "leave one of them out")
		}
	case !d.given(path + ".password"):
		d.fail(path+".password", "missing", "")
	case m.Password.IsZero() && !failed(d, path+".password"):
		d.fail(path+".password", "empty", `write password = "credential:NAME"`)
	}
}

func (m *Mailbox) checkFolders(d *decoder, path string, seen map[string]string) {
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
			unique(d, seen, strings.ToLower(string(m.Server))+"\x00"+m.Username+"\x00"+f, at,
				fmt.Sprintf("folder %q of this login is read already", f))
		}
	}
}
