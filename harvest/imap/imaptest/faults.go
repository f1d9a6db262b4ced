package imaptest

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Faulty is a server whose rights and room can be taken from its user.
type Faulty struct {
	*Server
	Full   string // a folder that has no room, after Fill
	Locked string // a folder in which this user makes no other, after Take; "" where an owner always may
	grant  func(folder, rights string)
	taken  []string // folders
}

// roomy is how many messages the folder Full takes.
const roomy = 20

// FaultySetups are all servers on which tests know how to do that.
func FaultySetups() map[string]func(t testing.TB) *Faulty {
	return map[string]func(t testing.TB) *Faulty{
		"Dovecot maildir": func(t testing.TB) *Faulty { return faultyDovecot(t, "maildir") },
		"Dovecot mdbox":   func(t testing.TB) *Faulty { return faultyDovecot(t, "mdbox") },
		"Cyrus":           faultyCyrus,
	}
}

// Fill puts messages into the folder Full until no other has room.
func (f *Faulty) Fill(t testing.TB) {
	t.Helper()
	d := dialled(t, f.IMAP, Username)
	n := d.exists(f.Full)
	_ = d.Close()
	var filling [][]byte
	for range roomy - n {
		filling = append(filling, []byte("Subject: filling\n\n"))
	}
	appendTo(t, f.IMAP, f.Full, filling...)
}

// Take leaves the user these rights in a folder, as letters (RFC 4314).
func (f *Faulty) Take(folder, rights string) {
	f.grant(folder, rights)
	f.taken = append(f.taken, folder)
}

// Free gives back what was taken, and removes what Fill put in.
func (f *Faulty) Free(t testing.TB) {
	t.Helper()
	for _, folder := range f.taken {
		f.grant(folder, "lrswitekxa")
	}
	f.taken = nil
	d := dialled(t, f.IMAP, Username)
	defer d.Close()
	if d.exists(f.Full) > 0 {
		d.remove(strings.Fields(strings.TrimPrefix(d.command("SEARCH SUBJECT filling"), "* SEARCH")))
	}
}

// Empty removes all mail from folders, those that are missing aside.
func (f *Faulty) Empty(t testing.TB, folders ...string) {
	t.Helper()
	d := dialled(t, f.IMAP, Username)
	defer d.Close()
	for _, folder := range folders {
		if strings.Contains(d.command("LIST \"\" "+folder), folder) && d.exists(folder) > 0 {
			d.remove([]string{"1:*"})
		}
	}
}

var existing = regexp.MustCompile(`(?m)^\* (\d+) EXISTS`)

// exists opens a folder and says how many messages it holds.
func (d *dialog) exists(folder string) int {
	d.t.Helper()
	n, err := strconv.Atoi(existing.FindStringSubmatch(d.command("SELECT " + folder))[1])
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

func (d *dialog) remove(numbers []string) {
	d.t.Helper()
	if len(numbers) > 0 {
		d.command("STORE " + strings.Join(numbers, ",") + " +FLAGS.SILENT (\\Deleted)")
		d.command("EXPUNGE")
	}
}

// rightNames are how Dovecot calls the rights of RFC 4314.
var rightNames = map[rune]string{
	'l': "lookup", 'r': "read", 's': "write-seen", 't': "write-deleted", 'e': "expunge", 'i': "insert", 'w': "write", 'k': "create", 'x': "delete", 'a': "admin",
}

func faultyDovecot(t testing.TB, layout string) *Faulty {
	d := Start(t, Options{Extra: strings.NewReplacer("LAYOUT", layout, "ROOM", strconv.Itoa(roomy)).Replace(`mail_location = LAYOUT:~/LAYOUT
mail_plugins = acl quota
protocol imap {
  mail_plugins = acl quota imap_acl imap_quota
}
namespace inbox {
  inbox = yes
  separator = /
}
namespace full {
  prefix = Full/
  separator = /
  location = LAYOUT:~/full
}
plugin {
  acl = vfile
  quota = count:Full:ns=Full/
  quota_rule = *:messages=ROOM
  quota_vsizes = yes
  quota_grace = 0
}
`)})
	grant := func(folder, rights string) {
		args := []string{"acl", "set", "-u", Username, folder, "owner"}
		for _, r := range rights {
			args = append(args, rightNames[r])
		}
		d.Doveadm(args...)
	}
	f := &Faulty{
		Server: &Server{
			Name: "Dovecot", Version: d.version(), IMAP: d.IMAP, Username: Username, Target: "Done",
			Deliver: func(messages ...[]byte) { appendTo(t, d.IMAP, "INBOX", messages...) },
		},
		Full: "Full/Done", Locked: "Locked", grant: grant,
	}
	d.Doveadm("mailbox", "create", "-u", Username, f.Full, "Locked")
	return f
}

func faultyCyrus(t testing.TB) *Faulty {
	s := cyrus(t)
	appendTo(t, s.IMAP, "INBOX") // makes the mailbox
	const user = "user." + Username
	admin := func(commands ...string) {
		t.Helper()
		d := dialled(t, s.IMAP, cyrusAdmin)
		defer d.Close()
		for _, command := range commands {
			d.command(command)
		}
	}
	admin("CREATE "+user+".Full", "SETQUOTA "+user+".Full (MESSAGE "+strconv.Itoa(roomy)+")")
	return &Faulty{Server: s, Full: "INBOX.Full", grant: func(folder, rights string) {
		admin("SETACL " + strings.Replace(folder, "INBOX", user, 1) + " " + Username + " " + rights)
	}}
}
