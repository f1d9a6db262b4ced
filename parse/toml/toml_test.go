package toml

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"harvester/parse/bounce"
)

type mailbox struct {
	Server  string        `toml:"server,required"`
	Folders []string      `toml:"folders,one"`
	Names   []string      `toml:"names"`
	Reason  bounce.Reason `toml:"reason"`
	Line    int           // no key
	Port    int           `toml:"port"`
	Delete  bool          `toml:"delete"`
}

type file struct {
	Version string `toml:"version"`
	Store   struct {
		Path string `toml:"path,required"`
	} `toml:"store"`
	Mailboxes []mailbox         `toml:"mailbox"`
	Sent      map[string]string `toml:"sent"`
}

// TestRead tells every fault of a document, each with its place.
func TestRead(t *testing.T) {
	for _, tt := range []struct{ doc, want string }{
		{"version = \"1\"\n[store]\npath = \"x\"\n[[mailbox]]\nserver = \"a\"\nfolders = \"one\"\n", ""},
		{"\ufeffversion = \"1\"\r\nstore.path = \"x\"\r\n", ""},
		{"", "0:0 store.path: missing"},
		{"vresion = \"1\"\n[store]\n", `1:1 vresion: unknown key (did you mean "version"?)` + "\n2:2 store.path: missing"},
		{"[store]\npath = 7\n[[mailbox]]\nserver = \"a\"\n  port = \"x\"\n[[mailbox]]\ndelete = 1\nnames = \"n\"\nreason = \"nonsense\"\nline = 1\n",
			"2:1 store.path: expected a string, found a whole number (write \"7\")\n5:3 mailbox[0].port: expected a whole number, found a string\n" +
				"7:1 mailbox[1].delete: expected true or false, found a whole number\n8:1 mailbox[1].names: expected an array, found a string (write [\"n\"])\n" +
				"9:1 mailbox[1].reason: unknown reason \"nonsense\"\n6:3 mailbox[1].server: missing\n10:1 mailbox[1].line: unknown key"},
		{"store = 1\nmailbox = 2\nsent = []\n", "1:1 store: expected a table, found a whole number\n2:1 mailbox: expected an array of tables, found a whole number (write [[mailbox]])\n3:1 sent: expected a table, found an array"},
		{"store.path = \"x\"\nmailbox = [{server = \"a\", names = [\"b\",\n  3]}]\n", "3:3 mailbox[0].names[1]: expected a string, found a whole number (write \"3\")"},
		{"version = \"1\n", "1:13 a quote is opened and not closed on this line (write key = \"value\")"},
		{"version = \"1\"\nversion = \"2\"\n", "2:1 version: "},
		{"v\x00\x00", "0:0 it is no text in UTF-8"},
	} {
		var f file
		d := Read([]byte(tt.doc), &f, nil)
		var told []string
		for _, f := range d.Faults {
			s := fmt.Sprintf("%d:%d ", f.Line, f.Column)
			if f.Path != "" {
				s += f.Path + ": "
			}
			if s += f.Problem; f.Hint != "" && !strings.HasPrefix(f.Hint, "one of ") {
				s += " (" + f.Hint + ")"
			}
			told = append(told, s)
		}
		want := strings.Split(tt.want, "\n")
		slices.Sort(told)
		slices.Sort(want)
		if tt.want == "" {
			want = nil
		}
		if !slices.EqualFunc(told, want, strings.HasPrefix) {
			t.Errorf("%q:\n%s\nnot\n%s", tt.doc, strings.Join(told, "\n"), tt.want)
		}
	}
}

// TestReadFills takes the values, the defaults where a key is absent, and a text
// for a list where the field says so.
func TestReadFills(t *testing.T) {
	var f file
	d := Read([]byte("store.path = \"x\"\n[[mailbox]]\nserver = \"a\"\nfolders = \"one\"\nreason = \"user_unknown\"\n[[mailbox]]\nserver = \"b\"\nport = 2\n[sent]\nk = \"v\"\n"), &f,
		map[string]any{"version": "7", "mailbox.port": int64(143), "mailbox.names": []any{"n"}})
	if len(d.Faults) > 0 {
		t.Fatal(d.Faults)
	}
	if f.Version != "7" || f.Store.Path != "x" || f.Sent["k"] != "v" || len(f.Mailboxes) != 2 {
		t.Fatalf("%+v", f)
	}
	a, b := f.Mailboxes[0], f.Mailboxes[1]
	if a.Port != 143 || !slices.Equal(a.Folders, []string{"one"}) || a.Reason != bounce.UserUnknown || !slices.Equal(b.Names, []string{"n"}) || b.Port != 2 {
		t.Errorf("%+v", f)
	}
	if !d.Given("mailbox[1].port") || d.Given("mailbox[0].port") {
		t.Error("what is given, and what is a default")
	}
	d.Fault("mailbox[1].names[3]", "x", "")
	if f := d.Faults[0]; f.Line != 6 || f.Key() != "mailbox.names" || !d.Failed("mailbox[1].names") || !d.Failed("mailbox.names") || !d.Failed("mailbox.") || d.Failed("mailbox[0].names") || d.Failed("mailbox") {
		t.Errorf("%+v", f)
	}
}
