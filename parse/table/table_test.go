package table

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"
)

func read(t *testing.T, text string) string {
	t.Helper()
	plain, err := io.ReadAll(Text(strings.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(strings.NewReader(string(plain)))
	if err != nil {
		return err.Error()
	}
	var out []string
	for {
		cells, line, err := r.Next()
		var broken *RowError
		switch {
		case errors.Is(err, io.EOF):
			return strings.Join(out, " / ")
		case errors.As(err, &broken):
			out = append(out, fmt.Sprintf("%d!", broken.Line))
		case err != nil:
			t.Fatal(err)
		default:
			out = append(out, fmt.Sprintf("%d:%s", line, strings.Join(cells, "|")))
		}
	}
}

func TestTables(t *testing.T) {
	utf16 := func(order unicode.Endianness, mark unicode.BOMPolicy, text string) string {
		out, err := unicode.UTF16(order, mark).NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const plain = "email,why\r\na@example.net,\"x, y\"\r\n"
	const want = "1:email|why / 2:a@example.net|x, y"
	for name, tt := range map[string]struct{ in, want string }{
		"plain":                 {plain, want},
		"byte order mark":       {"\ufeff" + plain, want},
		"UTF-16 of Excel":       {utf16(unicode.LittleEndian, unicode.UseBOM, plain), want},
		"UTF-16, big end first": {utf16(unicode.BigEndian, unicode.UseBOM, plain), want},
		"UTF-16 without mark":   {utf16(unicode.LittleEndian, unicode.IgnoreBOM, plain), want},
		"big end without mark":  {utf16(unicode.BigEndian, unicode.IgnoreBOM, plain), want},
		"semicolons":            {"email;why\na@example.net;\"x, y\"\n", want},
		"tabs":                  {"email\twhy\na@example.net\tx, y\n", want},
		"the separator told":    {"sep=|\na|b\n", "2:a|b"},
		"nothing before it":     {"\n\n" + plain, "3:email|why / 4:a@example.net|x, y"},
		"one column":            {"a@example.net\nb@example.net", "1:a@example.net / 2:b@example.net"},
		"rows of several lines": {"a,\"x\ny\"\n\nb,z\n", "1:a|x\ny / 4:b|z"},
		"quotes as they come":   {"a,said \"no\"\nb,z\n", "1:a|said \"no\" / 2:b|z"},

		// A quote that nobody closes costs its own row, not those after it.
		"unclosed":        {"a,b\n\"x,1\ny,2\nz,3\n", "1:a|b / 2! / 3:y|2 / 4:z|3"},
		"closed too late": {"a,b\n\nc,\"x\ny\"\n\n\"x,1\n\"y\",2\nz,3\n", "1:a|b / 3:c|x\ny / 6! / 7:y|2 / 8:z|3"},
		"two of them":     {"\"x,1\n\"y,2\nz,3\n", "1! / 2! / 3:z|3"},
		"at the end":      {"a,b\n\"x", "1:a|b / 2!"},

		"nothing": {" \n", "reading a table: EOF"},
	} {
		if got := read(t, tt.in); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestSeparator(t *testing.T) {
	for line, want := range map[string]rune{"a,b;c,d": ',', `"a,b,c";d`: ';', "a\tb": '\t', "a": ',', "a|b|c,d": '|'} {
		if got := Separator(line); got != want {
			t.Errorf("%q is parted by %q, want %q", line, got, want)
		}
	}
}

// Whatever a file holds, reading it ends, and no line is given twice.
func FuzzTable(f *testing.F) {
	f.Add("a,b\n\"x,1\ny,2\n")
	f.Add("sep=;\n\"\"\";\n\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := NewReader(strings.NewReader(text))
		if err != nil {
			return
		}
		for last := 0; ; {
			_, line, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			var broken *RowError
			if err != nil && !errors.As(err, &broken) {
				t.Fatal(err)
			}
			if line <= last || line > strings.Count(text, "\n")+1 {
				t.Fatalf("line %d after %d of %q", line, last, text)
			}
			last = line
		}
	})
}
