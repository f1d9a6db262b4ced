package parse

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"harvester/parse/bounce"
)

// Notices in the layouts of old and small systems name whom they mean, and no
// other: as they are, with the line ends of Windows, and in base64. One that
// names its sender alone, or where help is found, names nobody and is left for
// the triage.
func TestLayoutsOfOld(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/blind/layouts.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.Files) < 166 {
		t.Errorf("%d mails", len(archive.Files))
	}
	dresses := map[string]func([]byte) []byte{
		"as it is": func(b []byte) []byte { return b },
		"CRLF":     func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) },
		"base64": func(b []byte) []byte {
			head, body, _ := bytes.Cut(b, []byte("\n\n"))
			head = bytes.ReplaceAll(head, []byte("Content-Transfer-Encoding: 8bit"), []byte("Content-Transfer-Encoding: base64"))
			return append(append(head, '\n', '\n'), base64.StdEncoding.EncodeToString(body)...)
		},
	}
	for _, file := range archive.Files {
		words := strings.Fields(file.Name)
		for dress, wear := range dresses {
			t.Run(words[0]+"/"+dress, func(t *testing.T) {
				res := Parse(wear(file.Data), ours)
				if res.Kind.String() != words[1] {
					t.Errorf("got %v, want %s", res.Kind, words[1])
				}
				if len(res.Recipients) != len(words)-2 {
					t.Errorf("%d recipients, want %s", len(res.Recipients), words[2:])
				}
				for _, r := range res.Recipients {
					i := slices.IndexFunc(words[2:], func(w string) bool { return strings.HasPrefix(w, strings.ToLower(r.Recipient)+"=") })
					if i < 0 {
						t.Errorf("names %s", r.Recipient)
						continue
					}
					_, want, _ := strings.Cut(words[2+i], "=")
					switch {
					case want == "any" && r.Class == bounce.ClassHard:
						t.Errorf("%s is called dead", r.Recipient)
					case want != "any" && !slices.Contains(strings.Split(want, ","), r.Reason.String()):
						t.Errorf("%s: got %v, want %s", r.Recipient, r.Reason, want)
					}
				}
			})
		}
	}
}
