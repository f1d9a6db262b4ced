package mime

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outline writes a tree in one line: type and text of each leaf.
func outline(p *Part) string {
	if len(p.Children) == 0 {
		return fmt.Sprintf("%s %q", p.Type, p.Text())
	}
	var parts []string
	for _, c := range p.Children {
		parts = append(parts, outline(c))
	}
	return p.Type + "[" + strings.Join(parts, ", ") + "]"
}

const report = "Content-Type: multipart/report; boundary=b\n\n"

func TestReadRepairsStructure(t *testing.T) {
	tests := []struct {
		name, mail, want string
		note             string // that must be among the notes; "" when there must be none
	}{
		{"whole", report + "--b\n\nhi\n--b\nContent-Type: text/html\n\n<p>\n--b--\n", `multipart/report[text/plain "hi", text/html "<p>"]`, ""},
		{"closing boundary missing", report + "--b\n\nhi\n--b\n\nlast line", `multipart/report[text/plain "hi", text/plain "last line"]`, "truncated: closing boundary missing"},
		{"boundary of another header", report + "--other\nContent-Type: text/plain\n\nhi\n--other--\n", `multipart/report[text/plain "hi"]`, "boundary of the body differs from the header"},
		{"boundary of another header, parts without header", report + "--other\n\nhi\n--other\n\nho\n--other--\n", `multipart/report[text/plain "hi", text/plain "ho"]`, "boundary of the body differs from the header"},
		{"no boundary at all", report + "just text\n", `multipart/report "just text\n"`, "multipart without its boundary read as text"},
		{"part behind the close", report + "--b\n\nhi\n--b--\nfooter\n--b\n\nmore\n--b--\n", `multipart/report[text/plain "hi", text/plain "more"]`, ""},
		{"closed twice", report + "--b\n\nhi\n--b--\n--b--\n", `multipart/report[text/plain "hi"]`, ""},
		{"inner never closed", report + "--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\nhi\n--b\n\nho\n--b--\n", `multipart/report[multipart/alternative[text/plain "hi"], text/plain "ho"]`, "truncated: closing boundary missing"},
		{"inner boundary is outer and suffix", report + "--b\nContent-Type: multipart/alternative; boundary=ba\n\n--ba\n\nhi\n--ba--\n--b\n\nho\n--b--\n", `multipart/report[multipart/alternative[text/plain "hi"], text/plain "ho"]`, ""},
		{"mixed line ends", "Content-Type: multipart/report; boundary=b\r\n\r\n--b\n\nhi\r\n--b\r\n\nho\n--b--\r\n", `multipart/report[text/plain "hi", text/plain "ho"]`, ""},
		{"lone CR", strings.ReplaceAll(report+"--b\n\nhi\n--b--\n", "\n", "\r"), `multipart/report[text/plain "hi"]`, "lone CR taken as line ends"},
		{"CR CR LF", strings.ReplaceAll(report+"--b\n\nhi\n--b--\n", "\n", "\r\r\n"), `multipart/report[text/plain "hi"]`, "doubled CR taken as line ends"},
		{"part without header and blank line", report + "--b\nHello, it failed.\nSorry.\n--b--\n", `multipart/report[text/plain "Hello, it failed.\nSorry."]`, "part without header"},
		{"part of text that looks like a field", report + "--b\nNote: it failed.\n\nSorry.\n--b--\n", `multipart/report[text/plain "Note: it failed.\n\nSorry."]`, "part without header"},
		{"part without blank line", report + "--b\nContent-Type: text/html\n--b\n\nho\n--b--\n", `multipart/report[text/html "", text/plain "ho"]`, ""},
		{"delimiter inside the header", "Content-Type: multipart/report; boundary=b\n--b\n\nhi\n--b--\n", `multipart/report[text/plain "hi"]`, "blank line below the header missing"},
		{"folded first field", " Subject: x\nContent-Type: text/html\n\nhi", `text/html "hi"`, ""},
		{"blank before the colon", "Content-Type : text/html\n\nhi", `text/html "hi"`, ""},
		{"mbox line", "From x@y Mon Jan  1 00:00:00 2024\nContent-Type: text/html\n\nhi", `text/html "hi"`, ""},
		{"quoted mbox line", ">From x@y Mon Jan  1 00:00:00 2024\nContent-Type: text/html\n\nhi", `text/html "hi"`, ""},
		{"blank lines on top", "\n\nContent-Type: text/html\n\nhi", `text/html "hi"`, ""},
		{"garbage on top", "~~~ queued ~~~\nContent-Type: text/html\n\nhi", `text/html "hi"`, "lines above the header dropped"},
		{"byte order mark", "\ufeffContent-Type: text/html\n\nhi", `text/html "hi"`, "byte order mark dropped"},
		{"no header at all", "just a text\nof two lines\n", `text/plain "just a text\nof two lines\n"`, ""},
		{"bad line in the header", "X-Failed-Recipients: a@example.org\n*** b@example.org\nContent-Type: text/html\n\nhi", `text/html "hi"`, "header lines without a field name skipped"},
		{"text without a blank line before it", "Subject: x\na\nb\nc\nd\ne\nf\n", `text/plain "a\nb\nc\nd\ne\nf\n"`, "blank line below the header missing"},
		{"boundary line forgotten its blank", "Content-Type: multipart/mixed;\nboundary=\"b\"\n\n--b\n\nhi\n--b--\n", `multipart/mixed[text/plain "hi"]`, "header lines without a field name skipped"},
		{"second Content-Type fits", "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n--b--\n", `multipart/mixed[text/plain "hi"]`, ""},
		{"second boundary fits", "Content-Type: multipart/mixed; boundary=a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n--b--\n", `multipart/mixed[text/plain "hi"]`, ""},
		{"Content-Type lost", "Subject: x\n\n--b\nContent-Type: text/html\n\nhi\n--b--\n", `multipart/mixed[text/html "hi"]`, "multipart without Content-Type"},
		{"mail returned in the text", "Subject: x\n\nIt failed.\n\nBelow is the mail.\n\nSubject: y\n\n--b\nContent-Type: text/html\n\nhi\n--b--\n", `text/plain "It failed.\n\nBelow is the mail.\n\nSubject: y\n\n--b\nContent-Type: text/html\n\nhi\n--b--\n"`, ""},
		{"digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\nhi\n--b--\n", `multipart/digest[message/rfc822[text/plain "hi"]]`, ""},
		{"enclosed mail in base64", "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoKaGkK\n", `message/rfc822[text/plain "hi\n"]`, "enclosed message was transfer-encoded"},
		{"header only, no blank line", "Content-Type: message/rfc822\n\nSubject: x\nFrom: a@example.org", `message/rfc822[text/plain ""]`, ""},
		{"UTF-16", "\xff\xfeC\x00o\x00n\x00t\x00e\x00n\x00t\x00-\x00T\x00y\x00p\x00e\x00:\x00 \x00a\x00/\x00b\x00\n\x00\n\x00h\x00i\x00", `a/b "hi"`, "UTF-16 mail decoded"},
		{"NUL", "Con\x00tent-Type: text/html\n\nhi", `text/plain "hi"`, "header lines without a field name skipped"},
		{"empty", "", `text/plain ""`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, notes := Read([]byte(tt.mail), Limits{})
			if diff := cmp.Diff(tt.want, outline(p)); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
			if got := strings.Join(notes, "; "); tt.note == "" && got != "" || !strings.Contains(got, tt.note) {
				t.Errorf("notes %q, want %q", notes, tt.note)
			}
		})
	}
}

func TestHeaderUnfolds(t *testing.T) {
	p, _ := Read([]byte("Received: from a\r\n\tby b;\r\n  date\r\nX-Empty:\r\nX-Folded:\r\n value\r\nX-NUL: a\x00b\r\nSubject: =?iso-8859-1?Q?a_=E4?=\r\n =?iso-8859-1?Q?b?=\r\n\r\n"), Limits{})
	want := Header{
		{"Received", "from a by b; date"}, {"X-Empty", ""}, {"X-Folded", "value"}, {"X-NUL", "ab"},
		{"Subject", "=?iso-8859-1?Q?a_=E4?= =?iso-8859-1?Q?b?="},
	}
	if diff := cmp.Diff(want, p.Header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if got := p.Header.Text("subject"); got != "a äb" {
		t.Errorf("Subject %q", got)
	}
}

func TestEnclosedMailStaysBytes(t *testing.T) {
	inner := "Subject: x\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nhi\n--c--"
	p, _ := Read([]byte(report+"--b\nContent-Type: message/rfc822\n\n"+inner+"\n--b--\n"), Limits{})
	child := p.Children[0].Children[0]
	if child.Header.Get("Subject") != "x" || child.Type != "multipart/mixed" || len(child.Children) != 0 {
		t.Errorf("enclosed mail: %v %s, %d children", child.Header, child.Type, len(child.Children))
	}
	if string(child.Raw()) != inner {
		t.Errorf("Raw %q", child.Raw())
	}
}
