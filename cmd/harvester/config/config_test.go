package config

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gotoml "github.com/pelletier/go-toml/v2"

	"harvester/parse/toml"

	"harvester/harvest"
)

const minimal = `
own_domains = ["example.org"]
[[mailbox]]
name = "bounces"
server = "imap.example.org:993"
username = "bounces@example.org"
password = "env:BOUNCES_PASSWORD"
`

func TestDefaults(t *testing.T) {
	c, err := Parse("/etc/harvester/harvester.toml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	m := c.Mailboxes[0]
	got := []any{
		c.Store.Path, m.TLS, m.Folders, m.Schedule.String(), m.Done.Disposition, m.AllowDelete,
		c.Report.Path, c.Report.Schedule.String(), c.Hostname != "",
	}
	want := []any{
		"/var/lib/harvester/harvester.db", TLSImplicit, []string{"INBOX"}, "*/5 * * * *", harvest.Keep, false,
		"", "10 6 * * *", true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRelativePathsStartFromTheFile(t *testing.T) {
	c, err := Parse("/srv/demo/harvester.toml", []byte(minimal+"[store]\npath='h.db'\n[[export]]\nname='a'\npath='a.csv'\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Store.Path != "/srv/demo/h.db" || c.Exports[0].Path != "/srv/demo/a.csv" || c.Exports[0].Profile != "csv" {
		t.Errorf("got %+v %+v", c.Store, c.Exports)
	}
}

// One golden per configuration that is wrong: every error, in order.
func TestErrors(t *testing.T) {
	for name, tt := range map[string]struct{ doc, want string }{
		"a password in the store's URL": {`
own_domains = ["example.org"]
[store]
url = "postgres://harvester:hunter2@db/harvester"
`, `
h.toml:4:1: store.url: a password stands in it (hint: take it out, and write password = "credential:NAME")
`},
		"no URL of a store": {`
own_domains = ["example.org"]
[store]
url = "mysql://db/harvester"
`, `
h.toml:4:1: store.url: that is no address of a PostgreSQL database: write postgres://user@host/database
`},
		"a password for no URL": {`
own_domains = ["example.org"]
[store]
password = "env:X"
`, `
h.toml:4:1: store.password: there is no url that it is for (hint: a file has none)
`},
		"everything at once": {`
hostnme = "x"
own_domains = "example.org"
timezone = "Europe/Berlim"
[store]
path = 7
[[mailbox]]
name = "a b"
server = "imap.example.org"
tls = "sslv3"
username = "u"
password = "hunter2"
prot = 993
schedule = "0 0 31 2 *"
done = "shred"
[[export]]
name = "x"
`, `
h.toml:2:1: hostnme: unknown key (hint: did you mean "hostname"?)
h.toml:3:1: own_domains: expected an array, found a string (hint: write ["example.org"])
h.toml:4:1: timezone: unknown time zone "Europe/Berlim": write a name such as Europe/Berlin or UTC
h.toml:6:1: store.path: expected a string, found a whole number (hint: write "7")
h.toml:8:1: mailbox.name: "a b" is not a name: use letters, digits, dot, hyphen and underscore
h.toml:9:1: mailbox.server: "imap.example.org" is not host:port: write imap.example.org:993
h.toml:10:1: mailbox.tls: "sslv3" is not a TLS mode: implicit, starttls or none
h.toml:12:1: mailbox.password: a secret is written as a reference: credential:NAME, file:PATH, env:NAME or exec:COMMAND
h.toml:13:1: mailbox.prot: unknown key (hint: one of name, type, holds, path, server, tls, ca_file, pin, username, password, folders, schedule, idle, done, unparsed, other, keep_days, allow_delete, oauth)
h.toml:14:1: mailbox.schedule: cron spec "0 0 31 2 *" never runs: there is no such day
h.toml:15:1: mailbox.done: "shred" is not a disposition: keep, seen, move:FOLDER or delete
h.toml:16:3: export.path: missing
`},
		"half a configuration": {`
[[mailbox]]
name = "a"
`, `
h.toml: own_domains: missing
h.toml:2:3: mailbox.server: missing
h.toml:2:3: mailbox.username: missing
h.toml:2:3: mailbox.password: missing
`},
		"contradictions": {minimal + `
tls = "none"
done = "delete"
[[mailbox]]
name = "bounces"
server = "IMAP.example.org:993"
username = "bounces@example.org"
password = "env:X"
folders = ["Other", "inbox"]
done = "move:Other"
[[export]]
name = "a"
path = "/tmp/x"
[[export]]
name = "a"
path = "/tmp/./x"
`, `
h.toml:9:1: mailbox.tls: imap.example.org is not this machine, and the password would cross the network in the clear (hint: use "implicit" or "starttls")
h.toml:10:1: mailbox.done: delete needs allow_delete = true in the same mailbox (hint: use "move:FOLDER" to keep the mail)
h.toml:12:1: mailbox.name: another mailbox has this name (hint: see line 4)
h.toml:16:21: mailbox.folders: folder "INBOX" of this mailbox is read already (hint: see line 3)
h.toml:17:1: mailbox.done: mail would be moved to "Other", which is read itself
h.toml:22:1: export.name: another export has this name (hint: see line 19)
h.toml:23:1: export.path: this file is written already (hint: see line 20)
`},
		"web without an address": {minimal + "[web]\nactions = true\n", `
h.toml:8:2: web: nothing is served without an address (hint: write listen = "127.0.0.1:9717")
`},
		"web for others": {minimal + "[web]\nlisten = \"0.0.0.0:9717\"\ntoken = \"env:T\"\n", `
h.toml:9:1: web.listen: other machines can reach it, and the token would cross the network in the clear (hint: listen on "127.0.0.1:9717" and put a proxy with TLS in front)
`},
		"web that acts": {minimal + "[web]\nlisten = \"unix:/run/h.sock\"\nactions = true\n", `
h.toml:10:1: web.actions: the page acts for nobody without a token (hint: write token = "credential:web")
`},
		"web nowhere": {minimal + "[web]\nlisten = \"unix:h.sock\"\n", `
h.toml:9:1: web.listen: "unix:h.sock" is no absolute path: write unix:/run/harvester/web.sock
`},
		"policy": {`own_domains = ["example.org"]
[[export]]
name = "a"
path = "a"
profile = "cvs"
[policy.mailbox_ful]
after = 2
[policy.mailbox_full]
after = "two"
within = "a fortnight"
[policy.user_unknown]
after = -1
[policy.auth_spf]
suppress = true
`, `
h.toml:5:1: export.profile: there is no profile "cvs" (hint: did you mean "csv"?)
h.toml:6:9: policy.mailbox_ful: there is no such policy line (hint: did you mean "mailbox_full"?)
h.toml:9:1: policy.mailbox_full.after: expected a whole number, found a string
h.toml:10:1: policy.mailbox_full.within: "a fortnight" is no span of time (such as "14 days", "24 months", "72h" or "never")
h.toml:11:9: policy.user_unknown: policy user_unknown suppresses, but after -1 events: set after to 1 or more
h.toml:13:9: policy.auth_spf: policy auth_spf can't suppress: it is the fault of the sender, and the address may be good
`},
		"streams": {minimal + `
[stream.empty]
kind = "transactional"
[stream.news]
kind = "bulk"
list_ids = ["news.example.org", "*"]
headers = ["X-Campaign: 7", "subject: [News]*", "Subject: more"]
mailboxes = ["bouncse"]
[stream.news.policy.user_unknwon]
after = 1
[stream.news.policy.mailbox_full]
within = "-3 days"
[stream.shop]
list_ids = ["NEWS.example.org"]
proof = "sworn"
[stream."a b"]
dkim = ["shop.example.org"]
[stream.shop.policy.auth_spf]
suppress = true
`, `
h.toml:9:9: stream.empty: the stream selects no mail (hint: say how it is told, for example list_ids = ["news.example.org"])
h.toml:12:1: stream.news.kind: unknown kind "bulk" (one of ["marketing" "transactional"])
h.toml:13:33: stream.news.list_ids: this selects every mail (hint: leave it out: what no stream selects is called after its list or sender)
h.toml:14:12: stream.news.headers: "X-Campaign: 7" is no header pattern (hint: write "Subject: [News]*"; the fields are From, Message-ID, Sender, Subject, To)
h.toml:14:49: stream.news.headers: a second pattern for Subject (hint: one of them is enough, with * where they differ; or select by another key)
h.toml:15:14: stream.news.mailboxes: there is no mailbox "bouncse" (hint: name a [[mailbox]] of this file)
h.toml:16:21: stream.news.policy.user_unknwon: there is no such policy line (hint: did you mean "user_unknown"?)
h.toml:19:1: stream.news.policy.mailbox_full.within: "-3 days" is no span of time (such as "14 days", "24 months", "72h" or "never")
h.toml:21:13: stream.shop.list_ids: another stream selects this already (hint: see line 13)
h.toml:22:1: stream.shop.proof: unknown proof "sworn" (one of ["none" "returned" "authentic" "ledger" "signed"])
h.toml:23:9: stream.a b: "a b" is not a name: use letters, digits, dot, hyphen and underscore
h.toml:25:21: stream.shop.policy.auth_spf: policy auth_spf can't suppress: it is the fault of the sender, and the address may be good
`},
		"types": {`own_domains = ["example.org"]
[[mailbox]]
name = "a"
type = "maidir"
[[mailbox]]
name = "b"
type = "maildir"
server = "imap.example.org:993"
password = "env:P"
done = "seen"
[[mailbox]]
name = "c"
type = "mbox"
path = "/var/mail/bounces"
folders = ["Other"]
done = "move:Done"
[[mailbox]]
name = "d"
type = "pop3"
path = "/var/mail/bounces"
server = "pop.example.org:995"
username = "d"
password = "env:P"
done = "seen"
[[mailbox]]
name = "e"
type = "mbox"
path = "/var/mail/bounces"
`, `
h.toml:4:1: mailbox.type: "maidir" is not a type of mailbox: imap, pop3, maildir, mbox or directory
h.toml:5:3: mailbox.path: missing (hint: where the maildir is)
h.toml:8:1: mailbox.server: a mailbox of type maildir has none (hint: leave it out, or write type = "imap" or "pop3")
h.toml:9:1: mailbox.password: a mailbox of type maildir has none (hint: leave it out, or write type = "imap" or "pop3")
h.toml:15:12: mailbox.folders: a mailbox of type mbox has only INBOX (hint: leave folders out)
h.toml:16:1: mailbox.done: a mailbox of type mbox can't do "move" (hint: write "keep")
h.toml:20:1: mailbox.path: a mailbox of type pop3 has none (hint: leave it out)
h.toml:24:1: mailbox.done: a mailbox of type pop3 can't do "seen" (hint: write "keep" or "delete")
`},
		"settling": {minimal + `
done = "move:Done"
keep_days = 30
unparsed = "delete"
other = "move:INBOX"
[[mailbox]]
name = "b"
type = "pop3"
server = "pop.example.org:995"
username = "b"
password = "env:P"
done = "delete"
allow_delete = true
keep_days = -1
other = "seen"
`, `
h.toml:10:1: mailbox.keep_days: has no effect without done = "delete"
h.toml:11:1: mailbox.unparsed: what was not understood is never deleted (hint: use "move:FOLDER")
h.toml:12:1: mailbox.other: mail would be moved to "INBOX", which is read itself
h.toml:21:1: mailbox.keep_days: less than no day
h.toml:22:1: mailbox.other: a mailbox of type pop3 can't do "seen" (hint: write "keep")
`},
		"sign-in": {`own_domains = ["example.org"]
[[mailbox]]
name = "a"
server = "imap.example.org:993"
username = "a"
password = "env:P"
[mailbox.oauth]
[[mailbox]]
name = "b"
server = "imap.example.org:993"
username = "b"
[mailbox.oauth]
provider = "microsft"
grant = "device"
[[mailbox]]
name = "c"
server = "imap.example.org:993"
username = "c"
[mailbox.oauth]
provider = "microsoft"
client_secret = "hunter2"
service_account = "env:S"
[[mailbox]]
name = "d"
server = "imap.example.org:993"
username = "d"
[mailbox.oauth]
provider = "google"
tenant = "x"
[[mailbox]]
name = "e"
server = "imap.example.org:993"
username = "e"
[mailbox.oauth]
provider = "other"
grant = "user"
client_id = "x"
token_url = "http://login.example.org/token"
`, `
h.toml:6:1: mailbox.password: there is [mailbox.oauth], too (hint: leave one of them out)
h.toml:7:10: mailbox.oauth.provider: missing (hint: write provider = "microsoft", "google" or "other")
h.toml:13:1: mailbox.oauth.provider: "microsft" is not a provider: microsoft, google or other
h.toml:14:1: mailbox.oauth.grant: "device" is not a grant: application or user
h.toml:19:10: mailbox.oauth.client_id: missing (hint: the Application (client) ID in the provider's console)
h.toml:19:10: mailbox.oauth.tenant: missing (hint: the Directory (tenant) ID, or a domain such as example.onmicrosoft.com)
h.toml:21:1: mailbox.oauth.client_secret: a secret is written as a reference: credential:NAME, file:PATH, env:NAME or exec:COMMAND
h.toml:22:1: mailbox.oauth.service_account: has no effect for the provider microsoft and the grant application (hint: leave it out)
h.toml:27:10: mailbox.oauth.service_account: missing (hint: the JSON key file of the Google Cloud console, written like a password)
h.toml:29:1: mailbox.oauth.tenant: has no effect for the provider google and the grant application (hint: leave it out)
h.toml:34:10: mailbox.oauth.device_url: missing (hint: where the provider gives device codes; or a refresh_token)
h.toml:38:1: mailbox.oauth.token_url: "http://login.example.org/token" is not https, and secrets would cross the network in the clear
`},
		"return paths": {minimal + `
[verp.a]
pattern = "b-{token}-{local}@bounces.example.org"
keys = ["env:KEY"]
[verp.b]
pattern = "b-{token}-{local}={domain}@example.net"
keys = ["env:KEY", ""]
[verp.c]
pattern = "b+{local}={domain}@example.org"
keys = ["0123456789abcdef"]
[verp.d]
pattern = "b-{token}-{local}={domain}@example.org"
[verp.e]
pattern = "c+{local}={domain}@example.org"
keys = ["env:KEY"]
[verp.f]
pattern = "d+{local}={domain}@example.org"
[verp.g]
pattern = "D+{local}={domain}@example.org"
[verp.h]
[batv]
keys = [""]
`, `
h.toml:10:1: verp.a.pattern: VERP pattern "b-{token}-{local}@bounces.example.org" needs {local} and {domain} once each, {token} at most once (hint: such as "b-{token}-{local}={domain}@bounces.example.org")
h.toml:13:1: verp.b.pattern: example.net is none of own_domains (hint: failures come back to a domain of yours)
h.toml:14:20: verp.b.keys: empty (hint: write "credential:NAME")
h.toml:17:9: verp.c.keys: a secret is written as a reference: credential:NAME, file:PATH, env:NAME or exec:COMMAND
h.toml:19:1: verp.d.pattern: VERP pattern "b-{token}-{local}={domain}@example.org" has a {token} but no key to verify it (hint: such as "b-{token}-{local}={domain}@bounces.example.org")
h.toml:22:1: verp.e.keys: the pattern has no {token} that they could sign
h.toml:26:1: verp.g.pattern: another shape is the same (hint: see line 24)
h.toml:27:7: verp.h.pattern: missing
h.toml:29:9: batv.keys: empty (hint: write "credential:NAME")
`},
		"pause": {minimal + `
[pause]
minimum = 0
warn = "5 %"
pause = "five"
complaints_warn = "1%"
complaints_pause = "0.3"
[stream.all]
dkim = ["example.org"]
`, `
h.toml:12:1: pause.pause: "five" is no share: write a number above 0 and up to 100 with its sign, such as "2%"
h.toml:14:1: pause.complaints_pause: "0.3" is no share: write a number above 0 and up to 100 with its sign, such as "2%"
h.toml:15:9: stream.all: "all" stands for all mail together (hint: give the stream another name)
`},
		"pause of a stream": {minimal + `
[stream.news]
dkim = ["example.org"]
[stream.news.pause]
minimum = 0
warn = "5%"
complaints_warn = "2%"
`, `
h.toml:12:1: stream.news.pause.minimum: 0 recipients prove nothing (hint: write 1 or more; 200 is usual)
h.toml:13:1: stream.news.pause.warn: the warning at 5% comes no earlier than the pause at 5% (hint: a warning needs the lower limit)
h.toml:14:1: stream.news.pause.complaints_warn: the warning at 2% comes no earlier than the pause at 0.3% (hint: a warning needs the lower limit)
`},
		"sent": {minimal + `
[sent.a]
path = "/var/log/mail.log"
format = "postfx"
stream = "news"
[sent.b]
path = "/var/log/./mail.log"
format = "exim"
schedule = "often"
[sent.c]
path = "/var/log/[mail"
format = "csv"
[sent."d/e"]
format = "csv"
`, `
h.toml:11:1: sent.a.format: there is no format "postfx" (hint: did you mean "postfix"?)
h.toml:12:1: sent.a.stream: there is no stream "news" (hint: a stream is a [stream.NAME] of this file)
h.toml:14:1: sent.b.path: this log is followed already (hint: see line 10)
h.toml:16:1: sent.b.schedule: invalid cron spec "often": write five fields (minute, hour, day of month, month, day of week) such as "*/5 * * * *", or "@every 5m", "@hourly", "@daily"
h.toml:18:1: sent.c.path: "/var/log/[mail" is no pattern for file names
h.toml:20:7: sent.d/e.path: missing
h.toml:20:7: sent.d/e: "d/e" is not a name: use letters, digits, dot, hyphen and underscore
`},
		"days": {minimal + `
[[export]]
name = "a"
path = "/tmp/a"
since = "31.1.2026"
[[export]]
name = "b"
path = "/tmp/b"
since = "2026-02-30"
[[export]]
name = "c"
path = "/tmp/c"
since = 2026-01-31
`, `
h.toml:12:1: export.since: "31.1.2026" is not a day: write YYYY-MM-DD
h.toml:16:1: export.since: "2026-02-30" is not a day: write YYYY-MM-DD
h.toml:20:1: export.since: expected a string, found a date or time
`},
		"no own domain":   {`own_domains = []`, "\nh.toml:1:1: own_domains: no domain is listed (hint: write what you send as: own_domains = [\"example.org\"])\n"},
		"not TOML":        {"own_domains = [\"example.org\"]\n[store\n", "\nh.toml:2:7: expected ']' to close table name (hint: see `harvester config example`)\n"},
		"table, not list": {"own_domains = [\"example.org\"]\n[mailbox]\nname = 'x'\n", "\nh.toml:2:2: mailbox: expected an array of tables, found a table (hint: write [[mailbox]])\n"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("h.toml", []byte(tt.doc))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, "\n"+err.Error()+"\n"); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("an error shows a secret")
			}
		})
	}
}

// A day begins at midnight where the administrator lives.
func TestDay(t *testing.T) {
	c, err := Parse("h.toml", []byte("timezone = \"Europe/Berlin\"\n"+minimal+"[[export]]\nname = \"a\"\npath = \"/tmp/a\"\nsince = \"2026-01-31\"\n[[export]]\nname = \"b\"\npath = \"/tmp/b\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	exports := c.Exports[len(c.Exports)-2:]
	if got := exports[0].Since.Start(c.Timezone.Location()); !got.Equal(time.Date(2026, 1, 30, 23, 0, 0, 0, time.UTC)) {
		t.Errorf("it begins at %v", got)
	}
	if got := exports[1].Since.Start(c.Timezone.Location()); !got.IsZero() {
		t.Errorf("no day begins at %v", got)
	}
}

func TestExample(t *testing.T) {
	if _, err := Parse("example.toml", []byte(Example)); err != nil {
		t.Error(err)
	}
	repository, err := os.ReadFile("../../../harvester.toml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Example, string(repository)); diff != "" {
		t.Errorf("harvester.toml is not what `config example` prints; copy example.toml over it:\n%s", diff)
	}
}

// Every key of the structs is described by the example, as a default or as an
// example, and stands below a comment.
func TestExampleDescribesEveryKey(t *testing.T) {
	var active map[string]any
	if err := gotoml.Unmarshal([]byte(Example), &active); err != nil {
		t.Fatal(err)
	}
	described := defaults()
	flatten("", active, described)
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		for _, key := range toml.Keys(typ) {
			field, p := typ.Field(key.Field).Type, toml.Join(path, key.Name)
			if k := field.Kind(); k == reflect.Pointer || k == reflect.Slice && field.Elem().Kind() == reflect.Struct {
				field = field.Elem()
			}
			if field.Kind() == reflect.Struct && toml.Keys(field) != nil {
				walk(p, field)
			} else if _, ok := described[p]; !ok && field.Kind() != reflect.Map {
				t.Errorf("example.toml does not describe %s", p)
			}
		}
	}
	walk("", reflect.TypeFor[Config]())
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	env := map[string]string{"XDG_CONFIG_HOME": filepath.Join(dir, "xdg")}
	find := func(flag string) string {
		p, err := Find(flag, func(k string) string { return env[k] })
		if err != nil {
			return err.Error()
		}
		return p
	}
	write := func(p string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	xdg := filepath.Join(dir, "xdg/harvester/harvester.toml")
	if got := find(""); !strings.Contains(got, "harvester.toml, "+xdg) && got != "/etc/harvester/harvester.toml" {
		t.Errorf("nothing there: %s", got)
	}
	write(xdg)
	if got := find(""); got != xdg {
		t.Errorf("XDG: got %s", got)
	}
	write("harvester.toml")
	if got := find(""); got != "harvester.toml" {
		t.Errorf("working directory: got %s", got)
	}
	env["INVOCATION_ID"] = "1"
	if got := find(""); got != xdg {
		t.Errorf("under systemd: got %s", got)
	}
	env["HARVESTER_CONFIG"] = "/e"
	if got := find(""); got != "/e" {
		t.Errorf("environment: got %s", got)
	}
	if got := find("/f"); got != "/f" {
		t.Errorf("flag: got %s", got)
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("HARVESTER_TEST", "from env")
	for name, v := range map[string]string{"plain": "from file\n", "credentials_sub": "from folder\n", "empty": "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(v), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for ref, want := range map[string]string{
		"env:HARVESTER_TEST":         "from env",
		"credential:plain":           "from file",
		"credential:sub":             "from folder",
		"file:" + dir + "/plain":     "from file",
		"exec:printf 'a b\\n'":       "a b",
		"env:HARVESTER_UNSET":        "error: reading secret env:HARVESTER_UNSET: the variable is not set",
		"credential:empty":           "error: reading secret credential:empty: it is empty",
		"credential:../x":            "error: reading secret credential:../x: a credential is named without a path",
		"exec:echo topsecret; false": "error: reading secret exec:…: exit status 1",
	} {
		var s Secret
		if err := s.UnmarshalText([]byte(ref)); err != nil {
			t.Fatal(err)
		}
		got, err := s.Resolve(context.Background())
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", ref, got, want)
		}
		for _, printed := range []string{fmt.Sprint(s), fmt.Sprintf("%#v %+v", s, struct{ P Secret }{s}), s.LogValue().String()} {
			if strings.Contains(printed, "plain") || strings.Contains(printed, "topsecret") {
				t.Errorf("printed form shows %q", printed)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Example)
	f.Add(minimal)
	f.Add("[a.b]\nc.d = [{e = 1}]\n[[a.f]]\n")
	f.Fuzz(func(t *testing.T, doc string) {
		if c, err := Parse("f.toml", []byte(doc)); (c == nil) == (err == nil) {
			t.Errorf("config %v, error %v", c, err)
		}
	})
}
