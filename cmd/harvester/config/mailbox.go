package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"harvester/harvest"
	"harvester/parse/toml"
	"harvester/schedule"
)

// Mailbox is one mailbox that is harvested.
type Mailbox struct {
	Name        Name          `toml:"name,required"`
	Type        Type          `toml:"type"`
	Holds       Holds         `toml:"holds"`
	Path        string        `toml:"path"` // of a maildir, mbox or directory
	Server      Server        `toml:"server"`
	TLS         TLS           `toml:"tls"`
	CAFile      string        `toml:"ca_file"`
	Pin         Pin           `toml:"pin"`
	Username    string        `toml:"username"`
	Password    Secret        `toml:"password"`
	Folders     []string      `toml:"folders"`
	Schedule    schedule.Spec `toml:"schedule"`
	Idle        bool          `toml:"idle"`
	Done        Done          `toml:"done"`     // of what was understood
	Unparsed    Done          `toml:"unparsed"` // of what nobody understood
	Other       Done          `toml:"other"`    // of mail from people
	KeepDays    int           `toml:"keep_days"`
	AllowDelete bool          `toml:"allow_delete"`
	OAuth       *OAuth        `toml:"oauth"` // nil: a password
}

// Type says where a mailbox keeps its mail.
type Type string

// The types of mailboxes.
const (
	IMAP      Type = "imap"
	POP3      Type = "pop3"
	Maildir   Type = "maildir"
	Mbox      Type = "mbox"
	Directory Type = "directory" // one message in each file
)

// UnmarshalText reads the name of a type.
func (t *Type) UnmarshalText(b []byte) error {
	return oneOf(t, b, "a type of mailbox", IMAP, POP3, Maildir, Mbox, Directory)
}

// Holds says what mail a mailbox is for.
type Holds string

// What mailboxes hold.
const (
	HoldsBounces Holds = "bounces" // what comes back
	HoldsSent    Holds = "sent"    // copies of what was sent
)

// UnmarshalText reads bounces or sent.
func (h *Holds) UnmarshalText(b []byte) error {
	return oneOf(h, b, "what a mailbox holds", HoldsBounces, HoldsSent)
}

// OnServer tells that mail is fetched from a server.
func (t Type) OnServer() bool { return t == IMAP || t == POP3 }

// folders tells that there are others than INBOX.
func (t Type) folders() bool { return t == IMAP || t == Maildir }

// can are the dispositions that a type knows.
var can = map[Type][]harvest.Disposition{
	IMAP:      {harvest.Keep, harvest.Seen, harvest.Move, harvest.Delete},
	POP3:      {harvest.Keep, harvest.Delete},
	Maildir:   {harvest.Keep, harvest.Seen, harvest.Move, harvest.Delete},
	Mbox:      {harvest.Keep},
	Directory: {harvest.Keep, harvest.Move, harvest.Delete},
}

// paths are those of files, to be resolved.
func (m *Mailbox) paths() []*string {
	paths := append([]*string{&m.Path, &m.CAFile}, m.Password.path()...)
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

func (c *Config) checkMailboxes(d *toml.Document) {
	names, folders := map[Name]string{}, map[string]string{}
	for i := range c.Mailboxes {
		m := &c.Mailboxes[i]
		path := fmt.Sprintf("mailbox[%d]", i)
		unique(d, names, m.Name, path+".name", "another mailbox has this name")
		if m.Type == "" {
			continue // it is wrong: nothing else can be said
		}
		if m.Type.OnServer() {
			m.checkServer(d, path)
		} else {
			m.checkPath(d, path)
		}
		m.checkHolds(d, path)
		m.checkDone(d, path)
		m.checkFolders(d, path, folders)
	}
}

// useless notes keys that a mailbox of this type has no use for.
func (m *Mailbox) useless(d *toml.Document, path, hint string, keys ...string) {
	for _, key := range keys {
		if d.Given(path + "." + key) {
			d.Fault(path+"."+key, "a mailbox of type "+string(m.Type)+" has none", hint)
		}
	}
}

// checkPath is for mailboxes on this machine.
func (m *Mailbox) checkPath(d *toml.Document, path string) {
	m.useless(d, path, `leave it out, or write type = "imap" or "pop3"`, "server", "tls", "ca_file", "pin", "username", "password", "oauth")
	switch {
	case !d.Given(path + ".path"):
		d.Fault(path+".path", "missing", "where the "+string(m.Type)+" is")
	case m.Path == "" && !d.Failed(path+".path"):
		d.Fault(path+".path", "empty", "where the "+string(m.Type)+" is")
	}
}

// checkHolds is for mailboxes of copies: nothing in them is a failure, and what
// is still to be settled is not stored.
func (m *Mailbox) checkHolds(d *toml.Document, path string) {
	for _, key := range []string{"unparsed", "other", "keep_days"} {
		if m.Holds == HoldsSent && d.Given(path+"."+key) {
			d.Fault(path+"."+key, "a mailbox that holds what was sent has none", "leave it out: what is no copy of a mail of yours stays where it is")
		}
	}
}

func (m *Mailbox) checkDone(d *toml.Document, path string) {
	for key, done := range m.dones() {
		at := path + "." + key
		switch {
		case !slices.Contains(can[m.Type], done.Disposition):
			var words []string
			for _, c := range can[m.Type] {
				if key == "done" || c != harvest.Delete {
					words = append(words, strconv.Quote(c.String()))
				}
			}
			d.Fault(at, fmt.Sprintf("a mailbox of type %s can't do %q", m.Type, done.Disposition.String()), "write "+strings.Join(words, " or "))
		case done.Disposition != harvest.Delete:
		case key != "done":
			d.Fault(at, "what was not understood is never deleted", `use "move:FOLDER"`)
		case !m.AllowDelete:
			d.Fault(at, "delete needs allow_delete = true in the same mailbox", `use "move:FOLDER" to keep the mail`)
		}
	}
	switch {
	case m.KeepDays < 0:
		d.Fault(path+".keep_days", "less than no day", "")
	case d.Failed(path + ".keep_days"):
	case m.KeepDays > 0 && m.Done.Disposition != harvest.Delete:
		d.Fault(path+".keep_days", `has no effect without done = "delete"`, "")
	}
}

// dones are the dispositions by key.
func (m *Mailbox) dones() map[string]Done {
	return map[string]Done{"done": m.Done, "unparsed": m.Unparsed, "other": m.Other}
}

func (m *Mailbox) checkServer(d *toml.Document, path string) {
	m.useless(d, path, "leave it out", "path")
	for _, key := range []string{"server", "username"} {
		if !d.Given(path + "." + key) {
			d.Fault(path+"."+key, "missing", "")
		}
	}
	if d.Given(path+".username") && m.Username == "" && !d.Failed(path+".username") {
		d.Fault(path+".username", "empty", "")
	}
	if m.TLS == TLSNone && m.Server != "" && !m.Server.Loopback() {
		d.Fault(path+".tls", fmt.Sprintf("%s is not this machine, and the password would cross the network in the clear", m.Server.Host()),
			`use "implicit" or "starttls"`)
	}
	if m.CAFile != "" && m.Pin != "" {
		d.Fault(path+".pin", "ca_file and pin exclude each other", "a pinned certificate needs no authority")
	}
	switch {
	case m.OAuth != nil:
		m.OAuth.check(d, path)
		if d.Given(path + ".password") {
			d.Fault(path+".password", "there is [mailbox.oauth], too", "leave one of them out")
		}
	case !d.Given(path + ".password"):
		d.Fault(path+".password", "missing", "")
	case m.Password.IsZero() && !d.Failed(path+".password"):
		d.Fault(path+".password", "empty", `write password = "credential:NAME"`)
	}
}

func (m *Mailbox) checkFolders(d *toml.Document, path string, seen map[string]string) {
	if len(m.Folders) == 0 {
		d.Fault(path+".folders", "no folder is listed", `write folders = ["INBOX"]`)
	}
	for j, f := range m.Folders {
		at := fmt.Sprintf("%s.folders[%d]", path, j)
		if f == "" {
			d.Fault(at, "empty folder name", "")
			continue
		}
		if strings.EqualFold(f, "INBOX") {
			f = "INBOX" // RFC 9051 §5.1
		}
		if f != "INBOX" && !m.Type.folders() {
			d.Fault(at, fmt.Sprintf("a mailbox of type %s has only INBOX", m.Type), "leave folders out")
			continue
		}
		for key, done := range m.dones() {
			if done.Disposition == harvest.Move && done.Folder == f && m.Type.folders() {
				d.Fault(path+"."+key, fmt.Sprintf("mail would be moved to %q, which is read itself", f), "")
			}
		}
		place := m.Path
		if m.Type.OnServer() {
			if m.Server == "" || m.Username == "" {
				continue
			}
			place = strings.ToLower(string(m.Server)) + "\x00" + m.Username
		}
		unique(d, seen, place+"\x00"+f, at, fmt.Sprintf("folder %q of this mailbox is read already", f))
	}
}
