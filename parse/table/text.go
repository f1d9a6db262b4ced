// Package table reads the tables that people save from spreadsheets and
// services: CSV whatever its separator, encoding and line ends are, where a row
// that is broken costs that row alone.
package table

import (
	"bufio"
	"bytes"
	"io"
	"strings"

	"golang.org/x/text/encoding/unicode"
)

// Text is r as UTF-8 without a byte order mark. UTF-16, which Excel calls
// "Unicode text", is known by its mark, or by the zero bytes beside each ASCII
// character. What is neither comes as it is.
func Text(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 64<<10)
	head, _ := b.Peek(64) // what can't be read is told by the next read
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		b.Discard(3) //nolint:errcheck // it was peeked at
		return b
	case bytes.HasPrefix(head, []byte("\xff\xfe")), zeros(head, 1):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(b)
	case bytes.HasPrefix(head, []byte("\xfe\xff")), zeros(head, 0):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder().Reader(b)
	}
	return b
}

// zeros tells that most of every second byte, from an offset on, is zero, and
// none of the others.
func zeros(head []byte, offset int) bool {
	var zero, all int
	for i, c := range head {
		switch {
		case i%2 == offset:
			all++
			if c == 0 {
				zero++
			}
		case c == 0:
			return false
		}
	}
	return all >= 2 && zero > all/2
}

// Separator is what parts the cells of a line: a comma, a semicolon (where the
// comma is a decimal sign), a tab or a bar, whichever stands there most outside
// of quotes.
func Separator(line string) rune {
	best, most := ',', 0
	for _, c := range []rune{',', ';', '\t', '|'} {
		n, quoted := 0, false
		for _, r := range line {
			switch {
			case r == '"':
				quoted = !quoted
			case r == c && !quoted:
				n++
			}
		}
		if n > most {
			best, most = c, n
		}
	}
	return best
}

// separatorLine is the separator that a first line "sep=;" names, as Excel
// writes and reads it; 0 when it is no such line.
func separatorLine(line string) rune {
	rest, ok := strings.CutPrefix(strings.ToLower(strings.TrimRight(line, "\r\n")), "sep=")
	if runes := []rune(rest); ok && len(runes) == 1 {
		return runes[0]
	}
	return 0
}
