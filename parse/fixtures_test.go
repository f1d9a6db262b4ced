package parse

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io/fs"
	"testing"

	"harvester/fixtures"
	"harvester/parse/bounce"
)

// ours is how the fixtures' sender is configured.
var ours = &Options{OwnDomains: []string{"example.org"}}

func fixture(tb testing.TB, file string) []byte {
	b, err := fixtures.FS.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// mails returns the name of every fixture.
func mails(tb testing.TB) []string {
	out, err := fs.Glob(fixtures.FS, "*/*.eml")
	if err != nil || len(out) == 0 {
		tb.Fatalf("no fixtures: %v", err)
	}
	return out
}

type truth struct {
	File       string
	Kind       bounce.Kind
	Recipients []struct {
		Recipient, Action, Status, Reason string
		ReplyCode                         int `json:"reply_code"`
	}
	// Damaged are those whom the mail may name once a part of it is lost: the
	// part that shows that nobody failed whom we mailed.
	Damaged []string
}

// truths are the labels that people gave the fixtures, in place of what the
// parser says of them.
func truths(tb testing.TB) []truth {
	b, err := fixtures.FS.ReadFile("truth.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	var out []truth
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		var t truth
		if err := json.Unmarshal(s.Bytes(), &t); err != nil {
			tb.Fatalf("truth.jsonl: %v", err)
		}
		out = append(out, t)
	}
	return out
}
