package mime

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// lookup finds the encoding that a label means in real mail; nil when nobody
// knows it, or when it is UTF-8.
func lookup(label string) encoding.Encoding {
	switch label = cleanLabel(label); label {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return nil
	// QUIRK: most mail that says gb2312 holds characters of gb18030 only.
	case "gb2312", "gbk", "cp936", "936", "x-gbk", "gb-2312", "gb-2312-80", "euc-cn":
		return simplifiedchinese.GB18030
	case "cp932", "ms932", "shift-jis", "sjis":
		return japanese.ShiftJIS
	case "cp949", "949", "ms949", "uhc", "euckr", "ks-c-5601-1987", "ks-c-5601-1989", "ksc-5601", "ksc5601":
		return korean.EUCKR
	case "cp950":
		label = "big5"
	case "ansi", "latin1", "latin-1", "iso8859-1", "8859-1", "windows1252", "cp-1252", "iso-8859-1-windows-3.1-latin-1":
		return charmap.Windows1252
	case "cp850", "cp-850", "850":
		return charmap.CodePage850
	case "cp437", "cp-437", "437":
		return charmap.CodePage437
	case "cp-1251", "win-1251", "win1251", "windows1251":
		return charmap.Windows1251
	case "cp-1250", "win-1250", "windows1250":
		return charmap.Windows1250
	case "koi8", "koi8r":
		return charmap.KOI8R
	}
	if e, err := htmlindex.Get(label); err == nil {
		if name, err := htmlindex.Name(e); err != nil || name != "replacement" && name != "utf-8" {
			return e
		}
		return nil
	}
	if e, err := ianaindex.MIME.Encoding(label); err == nil {
		return e
	}
	return nil
}

func cleanLabel(label string) string {
	label = strings.ToLower(strings.Trim(label, " \t\"';,"))
	label, _, _ = strings.Cut(label, "*") // language of RFC 2231 §5
	return strings.ReplaceAll(label, "_", "-")
}

// known tells whether a label says anything.
func known(label string) bool {
	switch cleanLabel(label) {
	case "utf-8", "utf8", "us-ascii", "ascii", "utf-7", "utf7", "hz-gb-2312", "iso-2022-kr":
		return true
	}
	return lookup(label) != nil
}

// decodeCharset turns b into UTF-8. It goes by what the bytes are first, since
// labels lie: valid UTF-8 wins, then the label, then a guess.
func decodeCharset(b []byte, label string) string {
	if ascii(b) && bytes.IndexByte(b, 0) < 0 {
		return decodeSevenBit(string(b), label)
	}
	if order := utf16Order(b); order != nil {
		return decodeUTF16(b, order)
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if utf8.Valid(b) {
		return string(b)
	}
	enc := lookup(label)
	if enc == nil {
		if mostlyUTF8(b, label) {
			return strings.ToValidUTF8(string(b), "\uFFFD")
		}
		enc = guess(b)
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// mostlyUTF8 tells whether more of the high bytes form UTF-8 than do not, as
// in text that was cut inside a character. Where UTF-8 is declared, one
// character proves it, since other charsets make none by chance.
func mostlyUTF8(b []byte, label string) bool {
	good, bad := 0, 0
	for len(b) > 0 {
		if b[0] < utf8.RuneSelf {
			b = b[1:]
			continue
		}
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			bad++
		} else {
			good++
		}
		b = b[n:]
	}
	return good > bad || good > 0 && strings.HasPrefix(cleanLabel(label), "utf")
}

// guess names the encoding of unlabelled 8-bit text. Cyrillic text is dense
// with high bytes; its small letters are 0xE0–0xFF in windows-1251 and
// 0xC0–0xDF in KOI8-R. All else is windows-1252, which never fails.
func guess(b []byte) encoding.Encoding {
	koi, win, letters := 0, 0, 0
	for _, c := range b {
		switch {
		case c >= 0xe0:
			win++
		case c >= 0xc0:
			koi++
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			letters++
		}
	}
	switch {
	case koi+win <= letters || koi+win < 8:
		return charmap.Windows1252
	case koi > win:
		return charmap.KOI8R
	}
	return charmap.Windows1251
}
