package config

import (
	"fmt"
	"strings"
)

// Fill is Example with values of one's own: the text of a configuration that
// still explains every key. Values are written as TOML; keys that Example
// doesn't have are an error.
type Fill struct{ text string }

// NewFill begins with Example.
func NewFill() *Fill { return &Fill{Example} }

// Set gives a key of a table a value. The table is named as its header is
// written, "[store]" or "[[mailbox]]"; "" are the keys before the first.
func (f *Fill) Set(table, key, value string) error {
	lines := strings.Split(f.text, "\n")
	current := ""
	for i, line := range lines {
		bare := strings.TrimPrefix(line, "#")
		if strings.HasPrefix(bare, "[") {
			current = bare
			if current == table {
				lines[i] = bare
			}
		}
		if current == table && strings.HasPrefix(bare, key+" = ") {
			lines[i] = key + " = " + value
			f.text = strings.Join(lines, "\n")
			return nil
		}
	}
	return fmt.Errorf("the example has no key %s in %q", key, table)
}

// Drop takes a key that is in force out of it.
func (f *Fill) Drop(key string) {
	f.text = strings.ReplaceAll(f.text, "\n"+key+" = ", "\n#"+key+" = ")
}

// Append adds lines before the table named.
func (f *Fill) Append(before, text string) error {
	head, tail, ok := strings.Cut(f.text, "\n"+before+"\n")
	if !ok {
		return fmt.Errorf("the example has no table %s", before)
	}
	// The comments that introduce the table stay with it.
	at := strings.LastIndex(head, "\n\n") + 1
	f.text = head[:at] + "\n" + text + head[at:] + "\n" + before + "\n" + tail
	return nil
}

// String is the text.
func (f *Fill) String() string { return f.text }
