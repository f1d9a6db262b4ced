package mime

import (
	"strings"
	"testing"
)

// leaf is a mail of one part.
func leaf(ctype, encoding, body string) *Part {
	head := "Content-Type: " + ctype + "\n"
	if encoding != "" {
		head += "Content-Transfer-Encoding: " + encoding + "\n"
	}
	p, _ := Read([]byte(head+"\n"+body), Limits{})
	return p
}

func TestTextUndoesTransferEncodings(t *testing.T) {
	long := strings.Repeat("word ", 14)
	tests := []struct{ name, encoding, body, want string }{
		{"QP", "quoted-printable", "a=3Db=\nc=20\n", "a=bc \n"},
		{"QP in capitals with junk", "Quoted-Printable ;x", "a=3db", "a=b"},
		{"QP with bad escapes", "quoted-printable", "a=ZZ b=3 c= \nd =e4=", "a=ZZ b=3 cd ä"},
		{"QP with raw 8-bit", "quoted-printable", "\xe4=E4", "ää"},
		{"base64", "base64", "aGVsbG8g\nd29ybGQ=\n", "hello world"},
		{"base64 without padding", "base64", "aGVsbG8gd29ybGQ", "hello world"},
		{"base64 with blanks", "base64", " aGVs bG8g\n d29ybGQ= ", "hello world"},
		{"base64 with a footer", "base64", "aGVsbG8g\nd29ybGQ=\n-- \nA list, its footer.\n", "hello world"},
		{"base64 blocks", "base64", "aGVsbG8=\nIHdvcmxk\n", "hello world"},
		{"base64 that is plain", "base64", "Hello, user@example.org failed.", "Hello, user@example.org failed."},
		{"8-bit with a hyphen", "8-bit", "hello", "hello"},
		{"unknown", "x-none", "hello", "hello"},
		{"undeclared base64", "", "UmVwb3J0aW5nLU1UQTogZG5zOyBteC5leGFtcGxlLm9yZwo=\n", "Reporting-MTA: dns; mx.example.org\n"},
		{"undeclared QP", "7bit", long + "and=\n" + long + "then=\nend=3D", long + "and" + long + "thenend="},
		{"rules are no QP", "", "=====\ntext\n=====\n", "=====\ntext\n=====\n"},
		{"CRLF, CR and NUL", "", "  a\r\nb\rc\r\r\nd\x00\n", "  a\nb\nc\nd\n"},
		{"byte order mark", "", "\ufeffa", "a"},
		{"dots stay", "", "..\n.\n", "..\n.\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := leaf("text/plain", tt.encoding, tt.body).Text(); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestTextUndoesCharsets(t *testing.T) {
	tests := []struct{ name, ctype, body, want string }{
		{"UTF-8 declared as Latin-1", "text/plain; charset=iso-8859-1", "größe", "größe"},
		{"8-bit declared as ASCII", "text/plain; charset=us-ascii", "gr\xf6\xdfe", "größe"},
		{"no charset", "text/plain", "gr\xf6\xdfe", "größe"},
		{"windows-1252 declared as Latin-1", "text/plain; charset=iso-8859-1", "couldn\x92t", "couldn’t"},
		{"empty label", `text/plain; charset=""`, "\xe4", "ä"},
		{"unknown label", "text/plain; charset=x-unknown", "\xe4", "ä"},
		{"utf8 without hyphen", "text/plain; charset=utf8", "ä", "ä"},
		{"cut UTF-8", "text/plain; charset=utf-8", "ääää\xc3", "ääää\uFFFD"},
		{"ansi", "text/plain; charset=ansi", "\x80", "€"},
		{"cp-850", "text/plain; charset=cp-850", "\x84", "ä"},
		{"label with junk", `text/plain; charset="windows-1251;"`, "\xcf\xf0", "Пр"},
		{"gb2312 meaning gb18030", "text/plain; charset=gb2312", "\xd3\xca\xcf\xe4\x81\x30\x81\x30", "邮箱\u0080"},
		{"ks_c_5601-1987", "text/plain; charset=ks_c_5601-1987", "\xc6\xed", "편"},
		{"iso-8859-8-i", "text/plain; charset=iso-8859-8-i", "\xf9", "ש"},
		{"shift_jis", "text/plain; charset=Shift_JIS", "\x93\xfa", "日"},
		{"iso-2022-jp", "text/plain; charset=iso-2022-jp", "\x1b$BF|K\\\x1b(B", "日本"},
		{"iso-2022-jp undeclared", "text/plain", "\x1b$BF|K\\\x1b(B", "日本"},
		{"iso-2022-jp without ESC", "text/plain; charset=iso-2022-jp", "$BF|K\\(B", "日本"},
		{"iso-2022-kr", "text/plain; charset=iso-2022-kr", "\x1b$)C\x0eFm\x0f x", "편 x"},
		{"UTF-7", "text/plain; charset=unicode-1-1-utf-7", "Gr+APYA3w-e +- 1", "Größe + 1"},
		{"HZ", "text/plain; charset=hz-gb-2312", "~{SJ~}", "邮"},
		{"koi8-r unlabelled", "text/plain", "\xd0\xcf\xdepta \xce\xc5 \xc4\xcf\xd3\xd4\xc1\xd7\xcc\xc5\xce\xc1", "почpta не доставлена"},
		{"windows-1251 unlabelled", "text/plain", "\xef\xee\xf7\xf2\xe0 \xed\xe5 \xe4\xee\xf1\xf2\xe0\xe2\xeb\xe5\xed\xe0", "почта не доставлена"},
		{"UTF-16 with a mark", "text/plain; charset=unicode", "\xff\xfea\x00\xe4\x00", "aä"},
		{"UTF-16 without a mark", "text/plain; charset=utf-16", "\x00R\x00e\x00p\x00o", "Repo"},
		{"charset of the HTML itself", "text/html", "<meta charset='koi8-r'>\xd0", "<meta charset='koi8-r'>п"},
		{"invisible characters", "text/plain; charset=utf-8", "\u200e<user@example.org>\u200e\u00a0un\u00adknown", "<user@example.org> unknown"},
		{"invisible characters within an address", "text/plain; charset=utf-8", "un\u00adknown: <us\u00ader@example.org>\u200e", "unknown: <us\u00ader@example.org>"},
		{"invisible characters in HTML", "text/html; charset=utf-8", "us\u00ader\u200b@\u200eexample.org\u00a05.1.1", "user@example.org 5.1.1"},
		{"full-width at and dot", "text/plain; charset=utf-8", "user＠example．org", "user@example.org"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := leaf(tt.ctype, "", tt.body).Text(); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestDecodeWords(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain", "plain"},
		{"=?utf-8?Q?J=C3=B6rg?= Maier", "Jörg Maier"},
		{"=?UTF-8?B?w6Q=?= =?utf-8?b?w7Y=?=", "äö"},
		{"=?utf-8?Q?=C3?= =?utf-8?Q?=B6?=", "ö"}, // a character split over two words
		{"=?utf-8?B?4oKs4g==?=\t=?utf-8?B?gqw=?=", "€€"},
		{"=?utf-8?Q?a b=20c?=", "a b c"}, // blanks inside
		{`"=?iso-8859-1*de?q?M=FCller?="`, `"Müller"`},
		{"=?x-unknown?Q?=E4?=", "ä"},
		{"=?gb2312?B?08rP5A==?=", "邮箱"},
		{"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"},
		{"=?utf-8?Q?no end", "=?utf-8?Q?no end"},
		{"=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
		{"=?utf-8?B?***?=", "=?utf-8?B?***?="},
		{"a =?= b ?= c", "a =?= b ?= c"},
		{"=?utf-8?Q??=", ""},
		{"raw gr\xf6\xdfe", "raw größe"},
		{"Non remis\u00a0: x", "Non remis : x"},
	}
	for _, tt := range tests {
		if got := DecodeWords(tt.in); got != tt.want {
			t.Errorf("DecodeWords(%q)\ngot  %q\nwant %q", tt.in, got, tt.want)
		}
	}
}

func TestHeaderTextTakesTheCharsetOfTheMail(t *testing.T) {
	h := Header{{"Subject", "\xd0\xcf\xde\xd4\xc1"}, {"Content-Type", "text/plain; charset=koi8-r"}}
	if got := h.Text("Subject"); got != "почта" {
		t.Errorf("got %q", got)
	}
}

func TestHTMLText(t *testing.T) {
	tests := []struct{ name, html, want string }{
		{"blocks", "<html><head><title>no</title><style>p{}</style></head><body><div>a  b\nc</div><div>d</div>e<br>f", "a b c\nd\ne\nf\n"},
		{"cells", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\nc\n"},
		{"entities once", "<p>&lt;user&#64;example.org&gt; user&commat;example&period;org &amp;lt;", "<user@example.org> user@example.org &lt;\n"},
		{"mailto elsewhere", `<a href="mailto:user%40example.org?subject=x">here</a>`, "here<mailto:user@example.org>\n"},
		{"mailto repeated", `<a HREF='MAILTO:user@example.org'>User@example.org</a>`, "User@example.org\n"},
		{"other links", `<a href="https://example.org">x</a>`, "x\n"},
		{"pre", "<pre>  a\n  b</pre>", "  a\n  b\n"},
		{"invisible", "us\u00ader&shy;@&#8203;example.org", "user@example.org\n"},
		{"script never closed", "a<script>x<p>b", "a\n"},
		{"bold", "<b>5</b>.1.1", "5.1.1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := HTMLText(tt.html); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}
